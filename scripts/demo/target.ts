import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { DemoFailure } from "./demo-failure.ts";
import { DemonstrationDesktop } from "./desktop/demonstration-desktop.ts";
import { missingPackages } from "./desktop/programs.ts";
import { rdpKindAt } from "./desktop/rdp-kind.ts";
import type { Screen } from "./screen.ts";

const OWN_PORT = 3389;
const SETUP = fileURLToPath(new URL("../setup.mjs", import.meta.url));

/** The RDP server behind the demonstration's tenant. */
export type DemoTarget =
  | { readonly kind: "own"; readonly port: number }
  | { readonly kind: "demonstration"; readonly port: number; readonly desktop: DemonstrationDesktop };

/** Under which circumstances the target is chosen. */
export interface TargetOptions {
  readonly demoDesktop: boolean;
  /** Whether a person can see the RDP client, and answer its questions. */
  readonly visible: boolean;
  readonly screen: Screen;
  readonly resources: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

/**
 * This machine's own RDP server on 127.0.0.1:3389 where one answers, else a demonstration desktop, whose packages are
 * installed where apt-get and root allow.
 *
 * @throws DemoFailure (unreachable) that names the packages when they cannot be had.
 */
export async function chooseTarget(options: TargetOptions): Promise<DemoTarget> {
  const { screen, resources, signal } = options;
  const answer = options.demoDesktop ? "none" : await rdpKindAt(OWN_PORT);
  signal.throwIfAborted();
  const usable = options.visible ? answer !== "none" : answer === "tls";
  if (!usable || !options.visible) await ensurePackages(signal);
  if (usable) {
    screen.line(`the target is this machine's own RDP server, 127.0.0.1:${OWN_PORT}`);
    return { kind: "own", port: OWN_PORT };
  }
  screen.line(reasonForDemonstration(answer, options.demoDesktop));
  const desktop = resources.use(await DemonstrationDesktop.start(signal));
  screen.line(`the demonstration desktop is up behind an RDP server on 127.0.0.1:${desktop.port}`);
  return { kind: "demonstration", port: desktop.port, desktop };
}

function reasonForDemonstration(answer: string, asked: boolean): string {
  if (asked) return "starting a demonstration desktop, as asked";
  if (answer === "none") return `no RDP server answers on 127.0.0.1:${OWN_PORT}: starting a demonstration desktop`;
  return (
    `the RDP server on 127.0.0.1:${OWN_PORT} wants a name and a password before it draws, and there is no display to ask ` +
    `on: starting a demonstration desktop`
  );
}

/** Lets the set-up script install what is missing; it says what it does. */
async function ensurePackages(signal: AbortSignal): Promise<void> {
  if (missingPackages().length === 0) return;
  const setup = spawn(process.execPath, [SETUP, "--desktop"], { stdio: "inherit" });
  await once(setup, "exit");
  signal.throwIfAborted();
  const missing = missingPackages().join(" ");
  if (missing === "") return;
  throw new DemoFailure(
    `no RDP server that can be shown answers on 127.0.0.1:${OWN_PORT}, and a demonstration desktop needs the missing packages ${missing}`,
    {
      exitCode: 4,
      remedy: `On Debian and Ubuntu: sudo apt-get install --no-install-recommends ${missing}`,
    },
  );
}

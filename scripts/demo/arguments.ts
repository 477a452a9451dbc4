import { parseArgs } from "node:util";

import { DemoFailure } from "./demo-failure.ts";

/** What the demonstration was asked for. */
export interface DemoArguments {
  /** End by itself once the desktop is there. */
  readonly once: boolean;
  /** Use the demonstration desktop even where this machine has an RDP server. */
  readonly demoDesktop: boolean;
  readonly help: boolean;
}

/** The text of `npm start -- --help`. */
export const HELP = `npm start [-- OPTIONS]

Runs provider, tenant and operator on this machine, and opens the tenant's desktop through the whole chain.
The target is this machine's own RDP server on 127.0.0.1:3389, or a demonstration desktop where none answers.

  --once          end once the desktop is there (so does CI=true when the output is not a terminal)
  --demo-desktop  use the demonstration desktop in any case
  --help          this text
`;

/** @throws DemoFailure (wrong use) on arguments that do not exist. */
export function parseDemoArguments(argv: readonly string[]): DemoArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        once: { type: "boolean", default: false },
        "demo-desktop": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const endsByItself = Boolean(process.env["CI"]) && !process.stdout.isTTY;
    return { once: values.once || endsByItself, demoDesktop: values["demo-desktop"], help: values.help };
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new DemoFailure(text, { exitCode: 2, remedy: "npm start -- --help tells what there is.", cause });
  }
}

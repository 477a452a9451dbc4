import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { DemoArguments } from "./arguments.ts";
import { formatByteCounts, readByteCounts } from "./byte-counts.ts";
import { Chain } from "./chain.ts";
import { DemoFailure } from "./demo-failure.ts";
import { desktopDrawn, openDesktop, writeScreenshot } from "./desktop-view.ts";
import { findProgram } from "./desktop/programs.ts";
import type { DrawbridgeEvent, DrawbridgeProcess } from "./drawbridge.ts";
import { Narrator } from "./narrator.ts";
import type { Screen } from "./screen.ts";
import { hasDisplay } from "./surroundings.ts";
import { chooseTarget } from "./target.ts";
import type { DemoTarget } from "./target.ts";
import { until } from "./until.ts";

const SCREENSHOT = "drawbridge-screenshot.png";
const COUNT_INTERVAL_MS = 1_000;
const CULPRIT_MS = 1_000;
/** Less than any desktop's first picture takes, more than a logon that fails. */
const PICTURE_BYTES = 8_000;
const PICTURE_TIMEOUT_MS = 60_000;
const TENANT = "acme";
const REASON = "demonstration";

/** Everything that a running demonstration needs to know. */
interface Demonstration {
  readonly screen: Screen;
  readonly narrator: Narrator;
  readonly target: DemoTarget;
  readonly chain: Chain;
  readonly once: boolean;
  readonly signal: AbortSignal;
}

/**
 * The whole chain on this machine, a desktop through it, and its byte counts, until the signal aborts, the client is
 * closed, or (`once`) the desktop is there. Everything it started is gone when it settles.
 *
 * @throws DemoFailure on a failure; the signal's reason when it is aborted before the desktop is there.
 */
export async function demonstrate(options: DemoArguments, screen: Screen, signal: AbortSignal): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const { demoDesktop, once } = options;
  const target = await chooseTarget({ demoDesktop, visible: hasDisplay(), screen, resources, signal });
  const narrator = new Narrator(screen);
  const chain = resources.use(
    await Chain.start({
      targets: [`rdp=127.0.0.1:${target.port}`],
      tenant: TENANT,
      onMilestone: (milestone) => narrator.milestone(milestone),
      onTenantEvent: (event) => narrator.tenantEvent(event),
      signal,
    }),
  );
  const demonstration = { screen, narrator, target, chain, once, signal };
  screen.step(3, `drawbridge connect ${TENANT} --target rdp --reason ${REASON}`);
  if (hasDisplay()) await showOnDisplay(demonstration);
  else await showInScreenshot(demonstration);
}

async function showInScreenshot(demonstration: Demonstration): Promise<void> {
  const { screen, target, signal } = demonstration;
  await using session = await connect(demonstration, "none");
  await blamingTheCulprit(demonstration, session, async () => {
    const address = await listening(session, signal);
    await using client = await openDesktop({ address, target, display: undefined, signal });
    screen.line("no display here: the RDP client runs on a virtual one");
    await desktopDrawn(client, target, signal);
    const file = join(process.cwd(), SCREENSHOT);
    await writeScreenshot(client, file, signal);
    screen.line(`the tenant's desktop is there. Screenshot: ${file}`);
    if (!demonstration.once) await watch(demonstration, session, client.child.exited);
    if (client.child.exit) throw new DemoFailure("the RDP client ended by itself", { log: client.child.tail() });
  });
  await session.stop();
}

async function showOnDisplay(demonstration: Demonstration): Promise<void> {
  const { screen, narrator, target, signal } = demonstration;
  const display = process.env["DISPLAY"];
  const ownClient = target.kind === "demonstration" && display && findProgram("xfreerdp") !== undefined;
  if (!ownClient && target.kind === "demonstration") screen.line(`log on as ${credentialsText(target)}`);
  await using session = await connect(demonstration, ownClient ? "none" : "auto");
  await blamingTheCulprit(demonstration, session, async () => {
    const address = await listening(session, signal);
    if (!ownClient) {
      await watch(demonstration, session, session.child.exited);
      return;
    }
    await using client = await openDesktop({ address, target, display, signal });
    screen.line(`the RDP client is open on display ${display}; close it to end`);
    await watch(demonstration, session, client.child.exited);
    if (!signal.aborted && narrator.counts.toRemote === 0) {
      throw new DemoFailure("the RDP client ended before it showed anything", { log: client.child.tail() });
    }
  });
  await session.stop();
}

/** When a role has ended by itself, its own words say more than those of whoever noticed. */
async function blamingTheCulprit(
  { chain, signal }: Demonstration,
  session: DrawbridgeProcess,
  work: () => Promise<void>,
): Promise<void> {
  const failed = () => [session, ...chain.processes].map((process) => process.failure()).find(Boolean);
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    // The end of a connection is noticed before the end of the process that held it.
    await until(failed, { what: "a culprit", timeoutMs: CULPRIT_MS, signal }).catch(() => undefined);
    throw failed() ?? error;
  }
  const failure = signal.aborted ? undefined : failed();
  if (failure) throw failure;
}

function connect(demonstration: Demonstration, client: "none" | "auto"): Promise<DrawbridgeProcess> {
  const { chain, narrator } = demonstration;
  const args = ["--target", "rdp", "--client", client, "--reason", REASON];
  return chain.connect(args, (event) => narrator.connectEvent(event));
}

async function listening(session: DrawbridgeProcess, signal: AbortSignal): Promise<string> {
  const event = await session.waitForEvent("listening", { timeoutMs: 90_000, signal });
  return String(event["address"]);
}

/** Shows the byte counts until the signal aborts or the client ends; with `once` only until a picture's worth has come. */
async function watch(demonstration: Demonstration, session: DrawbridgeProcess, end: Promise<unknown>): Promise<void> {
  const { screen, narrator, once, signal } = demonstration;
  if (once) {
    const where = (event: DrawbridgeEvent) => readByteCounts(event).toRemote >= PICTURE_BYTES;
    await session.waitForEvent("bytes", { timeoutMs: PICTURE_TIMEOUT_MS, where, signal });
    return;
  }
  screen.line("the session's bytes, until Ctrl-C:");
  const over = new AbortController();
  void Promise.race([end, session.child.exited]).then(() => over.abort());
  const limit = AbortSignal.any([signal, over.signal]);
  while (!limit.aborted) {
    screen.status(formatByteCounts(narrator.counts));
    // An abort is the usual end here.
    await delay(COUNT_INTERVAL_MS, undefined, { signal: limit }).catch(() => undefined);
  }
  screen.endStatus();
}

function credentialsText(target: DemoTarget & { kind: "demonstration" }): string {
  return `${target.desktop.credentials.user}, password ${target.desktop.credentials.password}`;
}

import { DrawbridgeError, closeReasonError } from "@drawbridge/dataplane";
import { CLIENT_NAMES } from "../clients/index.ts";
import { collect, commandNamed } from "../common-options.ts";
import { loadConsoleSettings } from "../console/console-settings.ts";
import { canAsk } from "../console/can-ask.ts";
import { RoundTrip } from "../console/round-trip.ts";
import { withTenant } from "../console/tenant-of.ts";
import { parseDuration } from "../duration-option.ts";
import { parseLabel } from "../label-option.ts";
import type { NetworkOptions } from "../network-options.ts";
import {
  legTransportOption,
  networkChoice,
  noProxyOption,
  proxyOption,
  proxyPasswordOption,
} from "../network-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import * as client from "./client-options.ts";
import { type ConnectPlan, type ConnectPlanOptions, planConnect } from "./connect-plan.ts";
import { ConnectSession, type ConnectSessionEnd, type ConnectSessionOptions } from "./connect-session.ts";

/** What `connect` was asked for. */
interface ConnectOptions extends NetworkOptions, ConnectPlanOptions {
  allowOtherUsers?: true | undefined;
  reason: string;
  ticket: string;
  /** Milliseconds. */
  for?: number | undefined;
  plain?: true | undefined;
  verbose?: true | undefined;
}

/** How often the status line and the `bytes` events are brought up to date, in milliseconds. */
const STATUS_MS = 1_000;

const LISTEN_HELP =
  "the loopback address for the client; port 0 lets the system choose (default: an address that is the target's own, " +
  "127.x.y.z:3389, so that clients remember credentials and certificates by target; 127.0.0.1 where there is no other)";

const TARGET_HELP =
  "which of the tenant's targets, or the host:port of any that its policy permits; may be repeated " +
  '(default: "rdp")';

const PLAIN_HELP =
  "ask the tenant for links without end-to-end encryption: the provider's server, and whoever listens on the network, " +
  "can then read and change everything that goes through; only for a service that encrypts by itself (default: never)";

const EXAMPLES = `
Of the tenant's name a part is enough where a person can be asked; programs give
it whole.

Examples:
  RDP, with the client that is found:
    drawbridge connect acme
  Several at once:
    drawbridge connect acme --target rdp --target ssh
  A free target, where the tenant's policy permits it:
    drawbridge connect acme --target 10.0.0.5:3389
  Any program: {host}, {port}, {address} and {user} are filled in, no shell sees
  it, its exit code is ours:
    drawbridge connect acme --target ssh -- ssh -p {port} me@{host}`;

/** `drawbridge connect`: a session, and the RDP client on it. */
export function connectCommand() {
  return commandNamed("connect", "open a session to a tenant's target and start the RDP client on it", {
    logLevel: "warn",
  })
    .argument("[tenant]", "the tenant's name, as `drawbridge tenants` shows it; left out: choose from a list")
    .argument("[command...]", "after --: a program to run on the session in place of an RDP client")
    .option("--target <name>", TARGET_HELP, collect, [])
    .option("--listen <host:port>", LISTEN_HELP)
    .option("--allow-other-users", "let every user of this machine use the session (default: your own processes only)")
    .option(
      "--client <name>",
      `auto, none (only listen), one of: ${CLIENT_NAMES.join(", ")}, or a command such as "my-client {address}" ` +
        "(default: as `config` says, else auto)",
    )
    .addOption(client.userOption())
    .addOption(client.sizeOption())
    .addOption(client.fullScreenOption())
    .addOption(client.multiMonitorOption())
    .addOption(client.noClipboardOption())
    .addOption(client.driveOption())
    .addOption(client.adminOption())
    .addOption(client.clientArgOption())
    .option("--reason <text>", "why; the tenant sees it, and it is kept in the audit log", parseLabel, "")
    .option("--ticket <text>", "a ticket number or the like", parseLabel, "")
    .option("--for <time>", "end the session after this time at the latest, for example 30m or 2h", parseDuration)
    .option("--plain", PLAIN_HELP)
    .option("--no-check", "start the client without a look whether the RDP service answers")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .addOption(legTransportOption())
    .addHelpText("after", EXAMPLES)
    .action((tenant, words, options) => runCommand(options, (context) => connect(context, tenant, words, options)));
}

async function connect(
  context: CommandContext,
  tenant: string | undefined,
  words: readonly string[],
  options: ConnectOptions,
): Promise<number | undefined> {
  const { output, home } = context;
  refuseSurplus(words);
  if (tenant === undefined && !canAsk(output)) throw usage("missing required argument 'tenant'");
  const plan = await planConnect(options, words, await loadConsoleSettings(home("operator")));
  output.status.update("reaching the provider …");
  let exitCode: number | undefined;
  await withOperatorChannel({ ...context, network: networkChoice(options) }, async (channel, identity, gateways) => {
    const tracer = await context.tracer("drawbridge-remote");
    const roundTrip = new RoundTrip(channel);
    const base = { context, channel, identity, gateways, tracer };
    try {
      exitCode = await withTenant(context, channel, tenant, (name) =>
        runSessions(sessionsOf(base, name, plan, options), context, roundTrip),
      );
    } finally {
      roundTrip.stop();
      output.status.clear();
    }
  });
  return exitCode;
}

function sessionsOf(
  base: Pick<ConnectSessionOptions, "context" | "channel" | "identity" | "gateways" | "tracer">,
  tenant: string,
  { targets, useOf, listenOf }: ConnectPlan,
  options: ConnectOptions,
): ConnectSession[] {
  const { reason, ticket, for: maxDurationMs } = options;
  const { provider } = base.identity();
  return targets.map(
    (target) =>
      new ConnectSession({
        ...base,
        request: { tenant, target, reason, ticket, maxDurationMs },
        listen: listenOf({ provider, tenant, target }),
        allowOtherUsers: options.allowOtherUsers === true,
        plain: options.plain === true,
        verbose: options.verbose === true,
        use: useOf(target),
      }),
  );
}

/**
 * Opens the sessions in turn and runs them until all are over. Where one cannot be opened, none is.
 *
 * @returns the exit code of the operator's own program, if one ran
 */
async function runSessions(
  sessions: readonly ConnectSession[],
  { output, signal }: CommandContext,
  roundTrip: RoundTrip,
): Promise<number | undefined> {
  const opened: ConnectSession[] = [];
  const tick = setInterval(() => {
    const parts = sessions.map((session) => session.tick(roundTrip.ms)).filter((part) => part !== "");
    if (sessions.some(({ isPrompting }) => isPrompting)) return;
    const trip = roundTrip.ms === undefined ? "" : `  round trip ${roundTrip.ms}ms`;
    if (parts.length > 0) output.status.update(parts.join(" │ ") + trip);
  }, STATUS_MS);
  try {
    for (const session of sessions) {
      await session.open();
      opened.push(session);
    }
    roundTrip.start();
    const ends = await runAll(sessions, signal);
    const bad = ends.find(({ reason }) => reason.code !== "closed");
    if (bad !== undefined && !signal.aborted) throw closeReasonError(bad.reason);
    return ends.find(({ exitCode }) => exitCode !== undefined)?.exitCode;
  } catch (error) {
    if (opened.length < sessions.length) await Promise.all(opened.map((session) => session.stop()));
    throw error;
  } finally {
    clearInterval(tick);
  }
}

/** Runs them side by side. The first whose client ends, or cannot start, leaves the others alone. */
async function runAll(sessions: readonly ConnectSession[], signal: AbortSignal): Promise<ConnectSessionEnd[]> {
  const over = new AbortController();
  const onAbort = (): void => over.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const withClient = sessions.filter(({ endsByItself }) => endsByItself);
  const running = sessions.map((session) => session.run(over.signal));
  const clients = running.filter((_, index) => withClient.includes(sessions[index] as ConnectSession));
  // What only listens ends with the last client.
  if (clients.length > 0) void Promise.allSettled(clients).then(onAbort);
  try {
    const results = await Promise.allSettled(running);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** commander takes `connect a b` for `connect a -- b`; only the latter is meant as a program. */
function refuseSurplus(words: readonly string[]): void {
  if (words.length === 0 || process.argv.at(-words.length - 1) === "--") return;
  throw usage(`too many arguments: a program goes behind --, and ${words[0]?.slice(0, 80) ?? ""} does not`);
}

const usage = (message: string): DrawbridgeError =>
  new DrawbridgeError("invalid-argument", message, { remedy: "See `drawbridge connect --help`." });

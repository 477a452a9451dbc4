import { validatePrincipalName } from "@drawbridge/control/identity";
import type { RemoteSessionEnd } from "@drawbridge/control/remote";
import { KnownTenants, RemoteRedirector, stableListenAddresses } from "@drawbridge/control/remote";
import type { Address } from "@drawbridge/dataplane";
import { closeReasonError, closeReasonFrom, parseAddress } from "@drawbridge/dataplane";
import type { FoundClient } from "../clients/index.ts";
import { CLIENT_NAMES, detectClient, isWsl, launch, systemEnvironment } from "../clients/index.ts";
import { commandNamed } from "../common-options.ts";
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
import { untilAborted } from "../until-aborted.ts";
import { checkBeforeClient } from "./check-before-client.ts";
import { ConnectLog } from "./connect-log.ts";
import { ConnectView } from "./connect-view.ts";

/** What `connect` was asked for. */
interface ConnectOptions extends NetworkOptions {
  target: string;
  listen?: string | undefined;
  allowOtherUsers?: true | undefined;
  client: string;
  reason: string;
  ticket: string;
  user?: string | undefined;
  /** Milliseconds. */
  for?: number | undefined;
  plain?: true | undefined;
  check: boolean;
  verbose?: true | undefined;
}

/** How often the status line and the `bytes` events are brought up to date, in milliseconds. */
const STATUS_MS = 1_000;

const LISTEN_HELP =
  "the loopback address for the client; port 0 lets the system choose (default: an address that is the target's own, " +
  "127.x.y.z:3389, so that clients remember credentials and certificates by target; 127.0.0.1 where there is no other)";

const PLAIN_HELP =
  "ask the tenant for links without end-to-end encryption: the provider's server, and whoever listens on the network, " +
  "can then read and change everything that goes through; only for a service that encrypts by itself (default: never)";

/** `drawbridge connect`: a session, and the RDP client on it. */
export function connectCommand() {
  return commandNamed("connect", "open a session to a tenant's target and start the RDP client on it", {
    logLevel: "warn",
  })
    .argument("<tenant>", "the tenant's name, as `drawbridge tenants` shows it")
    .option("--target <name>", "which of the tenant's targets", "rdp")
    .option("--listen <host:port>", LISTEN_HELP)
    .option("--allow-other-users", "let every user of this machine use the session (default: your own processes only)")
    .option("--client <name>", `auto, none (only listen), or one of: ${CLIENT_NAMES.join(", ")}`, "auto")
    .option("--user <name>", "the user name to log on with")
    .option("--reason <text>", "why; the tenant sees it, and it is kept in the audit log", parseLabel, "")
    .option("--ticket <text>", "a ticket number or the like", parseLabel, "")
    .option("--for <time>", "end the session after this time at the latest, for example 30m or 2h", parseDuration)
    .option("--plain", PLAIN_HELP)
    .option("--no-check", "start the client without a look whether the RDP service answers")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .addOption(legTransportOption())
    .action((tenant, options) => runCommand(options, (context) => connect(context, tenant, options)));
}

async function connect(context: CommandContext, tenant: string, options: ConnectOptions): Promise<void> {
  const { output, signal, home } = context;
  validatePrincipalName(tenant);
  const given = options.listen === undefined ? undefined : { listen: parseAddress(options.listen) };
  // Looked for first: nobody at the tenant should be asked for a session that nothing can show.
  const client = options.client === "none" ? undefined : await detectClient(options.client, systemEnvironment());
  // Windows reaches nothing but 127.0.0.1 inside WSL.
  const onlyLocalhost = client?.name === "mstsc" && isWsl(systemEnvironment());
  await withOperatorChannel({ ...context, network: networkChoice(options) }, async (channel, identity, gateways) => {
    const { target, reason, ticket, for: maxDurationMs } = options;
    const view = new ConnectView(output, tenant, target, options.plain === true);
    const log = new ConnectLog(context.log, tenant, target);
    const tracer = await context.tracer("drawbridge-remote");
    const { provider } = identity();
    const known = new KnownTenants(home("operator"), provider);
    const remote = new RemoteRedirector({
      identity,
      channel,
      gateways,
      request: { tenant, target, reason, ticket, maxDurationMs },
      ...(given ?? stableListenAddresses({ provider, tenant, target }, onlyLocalhost)),
      allowOtherUsers: options.allowOtherUsers === true,
      plain: options.plain === true,
      observer: log.around(view.observer),
      tracer,
      trustTenantKey: (name, keyFingerprint) => known.trust(name, keyFingerprint),
    });
    view.asking();
    log.asking();
    const tick = setInterval(() => view.tick(remote), STATUS_MS);
    let end: RemoteSessionEnd;
    try {
      const address = await remote.start(signal).catch((error: unknown) => {
        log.refused(closeReasonFrom(error));
        throw error;
      });
      view.listening(address);
      const verbose = options.verbose === true;
      // A client of the operator's own may speak anything.
      const isRdp = client !== undefined && client.name !== "custom";
      const mayBegin =
        !options.check || !isRdp || (await checkBeforeClient(context, remote, { tenant, target, verbose }));
      end = mayBegin ? await runSession(context, remote, client, address, options) : await remote.closed;
    } finally {
      clearInterval(tick);
      output.status.clear();
    }
    view.ended(end);
    log.ended(end);
    if (end.reason.code !== "closed" && !signal.aborted) throw closeReasonError(end.reason);
  });
}

/** Runs until the client, the user or the other side ends it. */
async function runSession(
  { output, signal }: CommandContext,
  remote: RemoteRedirector,
  client: FoundClient | undefined,
  address: Address,
  { user }: ConnectOptions,
): Promise<RemoteSessionEnd> {
  const over = new AbortController();
  void remote.closed.then(() => over.abort());
  try {
    const ends: Promise<unknown>[] = [untilAborted(signal), remote.closed];
    if (client !== undefined) {
      const command = client.command({ address, extraArgs: [], ...(user !== undefined && { user }) });
      for (const note of command.notes) output.note(note);
      if (!client.endsWithItself) output.note(`${client.name} runs on its own: end the session with Ctrl-C.`);
      const running = await launch(command, { signal: over.signal });
      if (client.endsWithItself) ends.push(running.exited);
      await Promise.race(ends);
      await remote.stop({ code: "closed", message: "the operator ended the session" });
      over.abort();
      if (client.endsWithItself) await running.exited;
    } else {
      await Promise.race(ends);
      await remote.stop({ code: "closed", message: "the operator ended the session" });
    }
    return await remote.closed;
  } finally {
    over.abort();
  }
}

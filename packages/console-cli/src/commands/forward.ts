import { readFile } from "node:fs/promises";
import { KnownTenants, RemoteRedirector } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { closeReasonError, DrawbridgeError, formatAddress, systemClock } from "@drawbridge/dataplane";
import { collect, commandNamed } from "../common-options.ts";
import { checkForwards, type ForwardRule, parseForward, parseForwardFile } from "../forward/forward-rule.ts";
import { describeState, forwardTable } from "../forward/forward-table.ts";
import { Forwarder, type ForwardState } from "../forward/forwarder.ts";
import { GatewayChannels } from "../forward/gateway-channels.ts";
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
import { LiveView, plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { ConnectLog } from "./connect-log.ts";

/** What `forward` was asked for. */
interface ForwardOptions extends NetworkOptions {
  readonly forward: readonly string[];
  readonly reason: string;
  readonly ticket: string;
  readonly allowOtherUsers?: true | undefined;
}

const HELP = `
A file is a list in YAML or JSON:
  forwards:
    - 127.0.0.1:13389=acme/rdp
    - 127.0.0.1:12222=globex/ssh
Each forward is a session of its own, and asked for at once. One that is lost is
opened again, after 0.5 to 25 s; one that the tenant or the provider refuses, or
that somebody ends, stays closed.`;

/** `drawbridge forward`: local ports that stay open to targets of several tenants. */
export function forwardCommand() {
  return commandNamed("forward", "keep local ports open to targets of several tenants, until Ctrl-C", {
    logLevel: "warn",
  })
    .argument("[file]", "a file with forwards")
    .option("--forward <host:port=tenant/target>", "one more; may be repeated", collect, [])
    .option("--allow-other-users", "let every user of this machine use them (default: your own processes only)")
    .option("--reason <text>", "why; the tenants see it, and it is kept in the audit log", parseLabel, "")
    .option("--ticket <text>", "a ticket number or the like", parseLabel, "")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .addOption(legTransportOption())
    .addHelpText("after", HELP)
    .action((file, options) => runCommand(options, (context) => forward(context, file, options)));
}

async function forward(context: CommandContext, file: string | undefined, options: ForwardOptions): Promise<void> {
  const fromFile = file === undefined ? [] : await parseForwardFile(await readRules(file), file);
  const rules = checkForwards([...fromFile, ...options.forward.map(parseForward)]);
  await withOperatorChannel({ ...context, network: networkChoice(options) }, async (first, identity, gateways) => {
    const { home, signal, output } = context;
    const tracer = await context.tracer("drawbridge-remote");
    const channels = new GatewayChannels(first, identity, gateways, signal);
    const known = new KnownTenants(home("operator"), identity().provider);
    // One after the other: each reads the file of known keys and writes it.
    let trusted = Promise.resolve();
    const made = new WeakMap<RemoteRedirector, RpcChannel>();
    const isTerminal = output.width !== undefined && !output.json;
    const live = new LiveView(output, () => forwardTable(forwarders, output.width, output.colours));
    const forwarders = rules.map(
      (rule) =>
        new Forwarder({
          rule,
          makeRemote: async ({ tenant, target, listen }, observer) => {
            const channel = await channels.get();
            const log = new ConnectLog(context.log, tenant, target);
            log.asking();
            const remote = new RemoteRedirector({
              identity,
              channel,
              gateways,
              request: { tenant, target, reason: options.reason, ticket: options.ticket },
              listen,
              allowOtherUsers: options.allowOtherUsers === true,
              observer: log.around(observer),
              tracer,
              trustTenantKey: (name, keyFingerprint) =>
                (trusted = trusted.catch(() => {}).then(() => known.trust(name, keyFingerprint))),
            });
            void remote.closed.then((end) => log.ended(end));
            made.set(remote, channel);
            return remote;
          },
          onState: (_rule, state) => (isTerminal ? live.changed() : tell(context, rule, state)),
          onLost: (remote, { code }) => {
            const channel = remote && made.get(remote);
            if (channel !== undefined && code === "unavailable") void channels.lost(channel);
          },
        }),
    );
    try {
      const ends = await Promise.all(forwarders.map((forwarder) => forwarder.run(signal)));
      const bad = ends.find(({ code }) => code !== "closed");
      if (bad !== undefined && !signal.aborted) throw closeReasonError(bad);
    } finally {
      if (isTerminal) live.close();
      await channels.close();
    }
  });
}

/** Where nobody watches a table, each change is a line. */
function tell({ output }: CommandContext, { listen, tenant, target }: ForwardRule, state: ForwardState): void {
  const address = formatAddress(listen);
  const why = "why" in state ? { code: state.why.code, message: state.why.message } : {};
  const retry = state.name === "waiting" ? { retryInMs: Math.round(state.until - systemClock.now()) } : {};
  output.result(
    { event: "forward", address, tenant, target, state: state.name, ...why, ...retry },
    plain`${address} to ${tenant}/${target}: ${state.name === "open" ? "open" : describeState(state)}`,
  );
}

async function readRules(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new DrawbridgeError("invalid-argument", `${file} cannot be read`, {
      remedy: "Check the path, and that this user may read it.",
      cause,
    });
  }
}

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { counted, type Log } from "@drawbridge/control/wire";
import {
  type Address,
  CloudGateway,
  type CloudGatewayLimits,
  DEFAULT_CLOUD_GATEWAY_LIMITS as LIMITS,
  formatAddress,
  type GatewayCloud,
  type Refusal,
} from "@drawbridge/dataplane";
import { asWritten } from "../as-written.ts";
import { commandNamed } from "../common-options.ts";
import { parseCount } from "../count-option.ts";
import { parseDuration } from "../duration-option.ts";
import { collectAddresses, parseListenAddress } from "../gateway-addresses.ts";
import { formatDuration, type Output, plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { untilAborted } from "../until-aborted.ts";
import { METRICS_HELP, startWatch } from "../watching.ts";
import { GatewayMetrics } from "./gateway-metrics.ts";
import { installService, installServiceCommandOf, uninstallServiceCommand } from "./install-service.ts";

const DEFAULT_DRAIN_MS = 10 * 60 * 1000;
const DEFAULT_PREFACE_DEADLINE_MS = 5_000;
const LONGEST_DEADLINE_MS = 60 * 60 * 1000;
/** How long the end after a drain may take, in milliseconds. */
const STOP_MARGIN_MS = 10_000;

const HELP = `
Holds no keys and no home: it needs only to reach a cloud redirector, and to be
named there, in settings.json, by the address that the cloud redirector sees:
  "trustedGateways": ["192.0.2.7"]
Invite codes must name this gateway: "publicAddress" in the same file. HAProxy
can take its place: docs/GATEWAY.md.

Example: drawbridge gateway run --listen :443 --cloud 10.0.0.5:8443`;

/** `drawbridge gateway …`: the provider's front door. */
export function gatewayCommand(): Command {
  return new Command("gateway")
    .description("the provider's cloud gateway: one public port in front of cloud redirectors")
    .addHelpText("after", HELP)
    .addCommand(runGatewayCommand())
    .addCommand(installGatewayCommand())
    .addCommand(uninstallServiceCommand("gateway"));
}

function installGatewayCommand() {
  return installServiceCommandOf("gateway")
    .requiredOption("--listen <host:port>", "where to listen; :PORT for all addresses", asWritten(parseListenAddress))
    .requiredOption("--cloud <host:port,...>", "the cloud redirectors; may be repeated", collectAsWritten)
    .option(
      "--drain <time>",
      "how long open connections may go on after SIGTERM (default: 10m)",
      asWritten(parseDuration),
    )
    .option("--metrics <host:port>", METRICS_HELP, asWritten(parseListenAddress))
    .action((options) => installService("gateway", options, options));
}

const collectAsWritten = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  asWritten(collectAddresses)(text),
];

function parseDeadline(text: string): number {
  const ms = parseDuration(text);
  if (ms < 1 || ms > LONGEST_DEADLINE_MS) throw new InvalidArgumentError("Write a time from 1ms to 1h.");
  return ms;
}

/** What `gateway run` is told. */
interface GatewayRunOptions {
  listen: Address;
  cloud: readonly Address[];
  drain: number;
  prefaceDeadline: number;
  silentSockets: number;
  silentSocketsPerAddress: number;
  connections: number;
  connectionsPerAddress: number;
  metrics?: Address | undefined;
}

function runGatewayCommand() {
  return commandNamed("run", "pass connections on to a cloud redirector until Ctrl-C", { hasHome: false })
    .requiredOption("--listen <host:port>", "where to listen; :PORT for all addresses", parseListenAddress)
    .requiredOption(
      "--cloud <host:port,...>",
      "the cloud redirectors, the preferred first; the first that is up is used; may be repeated",
      collectAddresses,
    )
    .addOption(
      new Option("--drain <time>", "how long open connections may go on after SIGTERM")
        .argParser(parseDuration)
        .default(DEFAULT_DRAIN_MS, "10m"),
    )
    .addOption(
      new Option("--preface-deadline <time>", "how long a connection may say nothing")
        .argParser(parseDeadline)
        .default(DEFAULT_PREFACE_DEADLINE_MS, "5s"),
    )
    .option("--silent-sockets <n>", "connections that have said nothing, in all", parseCount, LIMITS.silentSockets)
    .option("--silent-sockets-per-address <n>", "the same by address", parseCount, LIMITS.silentSocketsPerAddress)
    .option("--connections <n>", "connections that are passed on, in all", parseCount, LIMITS.connections)
    .option("--connections-per-address <n>", "the same by address", parseCount, LIMITS.connectionsPerAddress)
    .option("--metrics <host:port>", `${METRICS_HELP} (default: nowhere)`, parseListenAddress)
    .addHelpText("after", HELP)
    .action((options) => runCommand(options, (context) => runGateway(context, options)));
}

async function runGateway(context: CommandContext, options: GatewayRunOptions): Promise<void> {
  const { output, log, signal, service } = context;
  const metrics = options.metrics === undefined ? undefined : await GatewayMetrics.open(options.cloud);
  const gateway = new CloudGateway({
    clouds: options.cloud,
    limits: limitsOf(options),
    firstByteTimeoutMs: options.prefaceDeadline,
    onHealth: (cloud) => {
      metrics?.health(cloud);
      tellHealth(output, log, cloud);
    },
    onRefused: (refusal) => {
      metrics?.refused(refusal);
      tellRefusal(log, refusal);
    },
  });
  metrics?.poll(() => gateway.stats());
  let isListening = false;
  const obstacle = (): string | undefined => {
    if (signal.aborted) return "draining: no new connections";
    return isListening ? undefined : "not listening yet";
  };
  await using watch = await startWatch(options.metrics, metrics && { metrics: metrics.set, obstacle });
  const address = formatAddress(await gateway.listen(options.listen));
  isListening = true;
  const clouds = options.cloud.map(formatAddress);
  const watched = watch.address === undefined ? {} : { metrics: watch.address };
  output.result(
    { event: "ready", address, clouds, ...watched },
    plain`Cloud gateway listens on ${address} and passes connections on to ${clouds.join(", ")}.`,
  );
  service.ready(() => ({ status: counted(gateway.stats().connections, "connection") }));
  await untilAborted(signal);
  await stop(gateway, options.drain, context);
}

/** Lets open connections go on for a while. A second signal ends the process at once. */
async function stop(gateway: CloudGateway, drainMs: number, { log, service }: CommandContext): Promise<void> {
  const { connections } = gateway.stats();
  service.stopping(drainMs + STOP_MARGIN_MS);
  log.info(
    { event: "draining", withinMs: drainMs, connections },
    `takes no new connections; ${connections} that are open may go on for ${formatDuration(drainMs)}`,
  );
  await gateway.drain(drainMs);
  log.info({ event: "stopping" }, "the cloud gateway stops");
}

function limitsOf(options: GatewayRunOptions): CloudGatewayLimits {
  const { silentSockets, silentSocketsPerAddress, connections, connectionsPerAddress } = options;
  return { silentSockets, silentSocketsPerAddress, connections, connectionsPerAddress };
}

function tellHealth(output: Output, log: Log, { address, health }: GatewayCloud): void {
  const cloud = formatAddress(address);
  if (health.kind === "down") {
    const { code, message, remedy = "" } = health.why;
    const record = { event: "cloud-down", cloud, code, message, remedy };
    output.record(record);
    log.warn(record, `a cloud redirector is down: ${message}. ${remedy}`.trimEnd());
  } else {
    const record = { event: "cloud-up", cloud };
    output.record(record);
    log.info(record, `cloud redirector ${cloud} is up`);
  }
}

function tellRefusal(log: Log, { reason, address }: Refusal): void {
  log.debug({ event: "socket-refused", address }, `closed a socket of ${address}: ${reason.message}`);
}

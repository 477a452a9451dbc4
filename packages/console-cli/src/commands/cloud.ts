import { Argument, Command, Option } from "@commander-js/extra-typings";
import type { CloudHome, InitialCloudSettings } from "@drawbridge/control/cloud";
import {
  AuditLog,
  CloudRedirector,
  createCloudHome,
  createInvite,
  openCloudHome,
  PrometheusMetrics,
  publicAddresses,
  ROLES,
  takeCloudHome,
  workerCount,
} from "@drawbridge/control/cloud";
import { certificateFingerprint, formatFingerprint } from "@drawbridge/control/identity";
import { systemWallClock } from "@drawbridge/control/wire";
import {
  AddressRanges,
  DrawbridgeError,
  formatAddress,
  parseAddress,
  parseGatewayAddress,
} from "@drawbridge/dataplane";
import { asWritten } from "../as-written.ts";
import { collect, commandNamed } from "../common-options.ts";
import { parseDuration } from "../duration-option.ts";
import { ownProgram } from "../own-program.ts";
import { formatDuration, plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { untilAborted } from "../until-aborted.ts";
import { METRICS_HELP, startWatch, type Watch } from "../watching.ts";
import { cloudCaCommand } from "./cloud-ca.ts";
import { installService, installServiceCommandOf, uninstallServiceCommand } from "./install-service.ts";

const DEFAULT_PORT = 8443;
const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_DRAIN_MS = 10 * 60 * 1000;

const PUBLIC_ADDRESS_HELP =
  "where tenants and operators reach this server; goes into invite codes. Repeat it for several gateways, each as " +
  "HOST:PORT or 'PRIORITY WEIGHT HOST:PORT'; or name SRV records: _drawbridge._tcp.NAME " +
  `(default: 127.0.0.1:${DEFAULT_PORT})`;

const DRAIN_HELP =
  "how long open sessions may go on after SIGTERM or Ctrl-C, which a second one cuts short; 0s for not at all (default: 10m)";

/** How long the goodbye after a drain may take, in milliseconds. */
const STOP_MARGIN_MS = 30_000;

/** `drawbridge cloud …`: the provider's side. */
export function cloudCommand(): Command {
  return new Command("cloud")
    .description("the provider's cloud redirector: make it, run it, invite tenants and operators")
    .addCommand(initCommand())
    .addCommand(runCloudCommand())
    .addCommand(inviteCommand())
    .addCommand(cloudCaCommand())
    .addCommand(installCloudCommand())
    .addCommand(uninstallServiceCommand("cloud"));
}

function installCloudCommand() {
  return installServiceCommandOf("cloud")
    .option("--listen <host:port>", "where to listen (default: what the home's settings say)", asWritten(parseAddress))
    .option("--drain <time>", DRAIN_HELP, asWritten(parseDuration))
    .option("--metrics <host:port>", METRICS_HELP, asWritten(parseAddress))
    .action((options) => installService("cloud", options, options));
}

const TRUSTED_GATEWAY_HELP =
  "the address of a gateway before this server, or a range such as 10.0.0.0/24: it must send PROXY headers, and is " +
  "believed; may be repeated (default: none)";

function collectRanges(text: string, before: string[] = []): string[] {
  new AddressRanges([text]);
  return [...before, text];
}

function initCommand() {
  return commandNamed("init", "make the provider's CA, its server certificate and its store")
    .option("--name <provider>", "the provider's name", "example")
    .option("--public-address <host:port>", PUBLIC_ADDRESS_HELP, collect, [])
    .option("--trusted-gateway <address>", TRUSTED_GATEWAY_HELP, collectRanges)
    .action((options) =>
      runCommand(options, async ({ output, home }) => {
        const path = home("cloud");
        const { publicAddress, trustedGateway: trustedGateways } = options;
        const settings = { ...initialSettings(publicAddress), ...(trustedGateways && { trustedGateways }) };
        await createCloudHome(path, options.name, settings);
        output.result(
          { event: "initialised", home: path, provider: options.name, ...settings },
          plain`Provider ${options.name} is set up in ${path}.
Tenants and operators will dial ${(settings.gateways ?? [settings.publicAddress]).join(", ")}; change it in settings.json there.
Keep a backup of that folder: it holds the CA's key.
Next: drawbridge cloud run, and drawbridge cloud invite tenant NAME`,
        );
      }),
    );
}

/** One address is where this server itself is reached; several are gateways, and told to those who are enrolled too. */
function initialSettings(addresses: readonly string[]): InitialCloudSettings {
  const [publicAddress = `127.0.0.1:${DEFAULT_PORT}`] = addresses;
  const entries = addresses.map((address) => parseGatewayAddress(address));
  const place = entries.find((entry) => entry.kind === "place");
  const port = place === undefined ? DEFAULT_PORT : parseAddress(place.address).port;
  const isOne = entries.every((entry) => entry.kind === "place" && entry.priority === undefined) && entries.length < 2;
  return {
    publicAddress,
    ...(!isOne && { gateways: [...addresses] }),
    listen: `${allAddresses(place?.address)}:${port}`,
  };
}

/** All addresses of this machine; where it is reached over IPv6, those too, which machines without IPv6 cannot listen on. */
const allAddresses = (publicAddress = ""): string => (publicAddress.startsWith("[") ? "[::]" : "0.0.0.0");

function runCloudCommand() {
  return commandNamed("run", "run the cloud redirector until Ctrl-C")
    .option("--listen <host:port>", "where to listen (default: all addresses, the public address's port)")
    .option("--drain <time>", DRAIN_HELP, parseDuration)
    .option("--metrics <host:port>", `${METRICS_HELP} (default: what the home's settings say, else nowhere)`)
    .action((options) =>
      runCommand(options, (context) => runCloud(context, options, options.drain ?? DEFAULT_DRAIN_MS)),
    );
}

/** Where `cloud run` is reached and watched, as `host:port`; undefined: as the settings say. */
interface CloudRunAddresses {
  listen?: string | undefined;
  metrics?: string | undefined;
}

async function runCloud(context: CommandContext, addresses: CloudRunAddresses, drainMs: number): Promise<void> {
  const { home, lock } = await takeCloudHome(context.home("cloud"));
  try {
    await runCloudOn(home, context, addresses, drainMs);
  } finally {
    lock.release();
  }
}

async function runCloudOn(
  cloudHome: CloudHome,
  context: CommandContext,
  addresses: CloudRunAddresses,
  drainMs: number,
): Promise<void> {
  const { output, log, signal, onSecondSignal, service } = context;
  const { settings, authority } = cloudHome;
  const { cloud, address, watch: started } = await startCloud(context, cloudHome, addresses);
  await using watch = started;
  const { publicAddress, gateways } = settings;
  const { provider } = authority;
  const watched = watch.address === undefined ? {} : { metrics: watch.address };
  const where = watch.address === undefined ? "" : ` Metrics: http://${watch.address}/metrics.`;
  output.result(
    { event: "ready", address, publicAddress, gateways, provider, ...watched },
    plain`Cloud redirector of ${provider} listens on ${address}; tenants and operators dial ${publicAddresses(settings).join(", ")}.${where}`,
  );
  service.ready(() => ({ status: `listens on ${address}` }));
  await untilAborted(signal);
  const cutShort = new AbortController();
  onSecondSignal(() => cutShort.abort());
  service.stopping(drainMs + STOP_MARGIN_MS);
  log.info({ event: "draining", withinMs: drainMs }, drainText(drainMs));
  await cloud.drain(drainMs, cutShort.signal);
  log.info({ event: "stopping" }, "the cloud redirector stops");
  await cloud.stop({ code: "shutting-down", message: "the cloud redirector stops" });
}

/** Starts to be watched, and to listen after that: until it does, it is alive and not ready. */
async function startCloud(
  { log, tracer }: CommandContext,
  home: CloudHome,
  addresses: CloudRunAddresses,
): Promise<{ cloud: CloudRedirector; address: string; watch: Watch }> {
  const { settings, store } = home;
  const { listen = settings.listen, metrics: watched = settings.metrics } = addresses;
  let watch: Watch | undefined;
  try {
    const metrics = watched === undefined ? undefined : await PrometheusMetrics.open();
    const workers = { count: workerCount(settings), program: await ownProgram(["__worker"]) };
    const options = { home, log, tracer: await tracer("drawbridge-cloud"), workers, ...(metrics && { metrics }) };
    const cloud = new CloudRedirector(options);
    metrics?.poll(() => cloud.figures());
    const watching = metrics && { metrics, obstacle: () => cloud.obstacle };
    watch = await startWatch(watched === undefined ? undefined : parseAddress(watched), watching);
    return { cloud, watch, address: formatAddress(await cloud.start(parseAddress(listen))) };
  } catch (error) {
    await watch?.[Symbol.asyncDispose]();
    await store.close();
    throw error;
  }
}

function drainText(drainMs: number): string {
  if (drainMs === 0) return "no new sessions; those that are open end now";
  return `no new sessions; those that are open go on for at most ${formatDuration(drainMs)}, unless it is told to stop again`;
}

function inviteCommand() {
  return commandNamed("invite", "make an invite code for a new tenant or operator, good for one use")
    .addArgument(new Argument("<kind>", "whom to invite").choices(["tenant", "operator"] as const))
    .argument("<name>", "the name it will have; a name that is enrolled already gets a new key")
    .addOption(new Option("--role <role>", "what an operator may do (default: operator)").choices(ROLES))
    .option(
      "--group <name>",
      "a group: that the tenant is in, or that the operator may reach; may be repeated",
      collect,
      [],
    )
    .option("--groups <names>", "the same, separated by commas", (names: string) => names.split(","))
    .addOption(
      new Option("--expires <time>", "how long the code is good, for example 30m, 24h, 7d")
        .argParser(parseDuration)
        .default(DAY_MS, "24h"),
    )
    .action((kind, name, options) =>
      runCommand(options, (context) => {
        const groups = [...options.group, ...(options.groups ?? [])];
        return invite(context, kind, name, {
          groups,
          expires: options.expires,
          ...(options.role && { role: options.role }),
        });
      }),
    );
}

async function invite(
  { output, log, home }: CommandContext,
  kind: "tenant" | "operator",
  name: string,
  options: { groups: string[]; expires: number; role?: (typeof ROLES)[number] },
): Promise<void> {
  if (kind === "tenant" && options.role !== undefined) {
    throw new DrawbridgeError("invalid-argument", "a tenant has no role", { remedy: "Leave --role out." });
  }
  const { store, authority, settings } = await openCloudHome(home("cloud"));
  try {
    const caFingerprint = certificateFingerprint(authority.certificateDer);
    const audit = new AuditLog(store, systemWallClock, (err, event) => {
      log.error({ event: "audit-failed", err }, `the audit record ${event} could not be written`);
    });
    const addresses = publicAddresses(settings);
    const surroundings = { store, audit, clock: systemWallClock, addresses, caFingerprint };
    const { groups, expires, role = "operator" } = options;
    const base = { name, groups, expiresInMs: expires };
    const request = kind === "tenant" ? { ...base, kind } : { ...base, kind, role };
    const { code, expiresAt } = await createInvite(surroundings, request, "local");
    const until = new Date(expiresAt).toISOString();
    if (!output.json)
      output.note(
        plain`Invite code for ${kind} ${name}, good once, until ${until}. Pass it on secretly; it dials ${publicAddresses(settings).join(", ")}
and trusts only the CA ${formatFingerprint(caFingerprint)}. There, run: drawbridge ${kind} enroll CODE`,
      );
    output.result({ code, expires: until, kind, name }, code);
  } finally {
    await store.close();
  }
}

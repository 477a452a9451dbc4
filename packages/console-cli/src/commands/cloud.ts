import { Argument, Command, Option } from "@commander-js/extra-typings";
import { CloudRedirector, createCloudHome, createInvite, openCloudHome, ROLES } from "@drawbridge/control/cloud";
import { certificateFingerprint, formatFingerprint } from "@drawbridge/control/identity";
import { systemWallClock } from "@drawbridge/control/wire";
import { DrawbridgeError, formatAddress, parseAddress } from "@drawbridge/dataplane";
import { collect, commandNamed } from "../common-options.ts";
import { parseDuration } from "../duration-option.ts";
import { plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { untilAborted } from "../until-aborted.ts";
import { cloudCaCommand } from "./cloud-ca.ts";

const DEFAULT_PORT = 8443;
const DAY_MS = 24 * 60 * 60 * 1000;

/** `drawbridge cloud …`: the provider's side. */
export function cloudCommand(): Command {
  return new Command("cloud")
    .description("the provider's cloud redirector: make it, run it, invite tenants and operators")
    .addCommand(initCommand())
    .addCommand(runCloudCommand())
    .addCommand(inviteCommand())
    .addCommand(cloudCaCommand());
}

function initCommand() {
  return commandNamed("init", "make the provider's CA, its server certificate and its store")
    .option("--name <provider>", "the provider's name", "example")
    .option(
      "--public-address <host:port>",
      "where tenants and operators reach this server; goes into invite codes",
      `127.0.0.1:${DEFAULT_PORT}`,
    )
    .action((options) =>
      runCommand(options, async ({ output, home }) => {
        const path = home("cloud");
        const { port } = parseAddress(options.publicAddress);
        const settings = { publicAddress: options.publicAddress, listen: `0.0.0.0:${port}` };
        await createCloudHome(path, options.name, settings);
        output.result(
          { event: "initialised", home: path, provider: options.name, ...settings },
          plain`Provider ${options.name} is set up in ${path}.
Tenants and operators will dial ${options.publicAddress}; change it in settings.json there.
Keep a backup of that folder: it holds the CA's key.
Next: drawbridge cloud run, and drawbridge cloud invite tenant NAME`,
        );
      }),
    );
}

function runCloudCommand() {
  return commandNamed("run", "run the cloud redirector until Ctrl-C")
    .option("--listen <host:port>", "where to listen (default: all addresses, the public address's port)")
    .option("--drain <time>", "how long open sessions may go on after SIGTERM (default: not at all)", parseDuration)
    .action((options) => runCommand(options, (context) => runCloud(context, options.listen, options.drain ?? 0)));
}

async function runCloud(
  { output, log, signal, home }: CommandContext,
  listen: string | undefined,
  drainMs: number,
): Promise<void> {
  const cloudHome = await openCloudHome(home("cloud"));
  const { settings, authority, store } = cloudHome;
  const cloud = new CloudRedirector({ home: cloudHome, log });
  let address: string;
  try {
    address = formatAddress(await cloud.start(parseAddress(listen ?? settings.listen)));
  } catch (error) {
    await store.close();
    throw error;
  }
  const { publicAddress } = settings;
  output.result(
    { event: "ready", address, publicAddress, provider: authority.provider },
    plain`Cloud redirector of ${authority.provider} listens on ${address}; tenants and operators dial ${publicAddress}.`,
  );
  await untilAborted(signal);
  if (drainMs > 0) {
    log.info({ event: "draining", withinMs: drainMs }, "no new sessions; those that are open go on for a while");
    await cloud.drain(drainMs);
  }
  log.info({ event: "stopping" }, "the cloud redirector stops");
  await cloud.stop({ code: "shutting-down", message: "the cloud redirector stops" });
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
    .option("--expires <time>", "how long the code is good, for example 30m, 24h, 7d", parseDuration, DAY_MS)
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
  { output, home }: CommandContext,
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
    const surroundings = { store, clock: systemWallClock, addresses: [settings.publicAddress], caFingerprint };
    const { groups, expires, role = "operator" } = options;
    const base = { name, groups, expiresInMs: expires };
    const request = kind === "tenant" ? { ...base, kind } : { ...base, kind, role };
    const { code, expiresAt } = await createInvite(surroundings, request, "local");
    const until = new Date(expiresAt).toISOString();
    if (!output.json)
      output.note(
        plain`Invite code for ${kind} ${name}, good once, until ${until}. Pass it on secretly; it dials ${settings.publicAddress}
and trusts only the CA ${formatFingerprint(caFingerprint)}. There, run: drawbridge ${kind} enroll CODE`,
      );
    output.result({ code, expires: until, kind, name }, code);
  } finally {
    await store.close();
  }
}

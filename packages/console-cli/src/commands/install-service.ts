import { join } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { plain } from "../rendering/index.ts";
import type { CommandContext, CommonOptions } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { describeService, type ServiceRunOptions } from "../services/describe-service.ts";
import { installFile, removeFile } from "../services/install-service.ts";
import { type NextSteps, nextSteps } from "../services/next-steps.ts";
import type { ServiceDescription, ServiceRole } from "../services/service-description.ts";
import { inspectMachine } from "../services/service-machine.ts";
import {
  SERVICE_PLATFORMS,
  serviceFile,
  serviceFilePath,
  type ServicePlatform,
  servicePlatformOf,
} from "../services/service-platform.ts";

/** What every role's `install-service` takes. */
interface InstallOptions extends CommonOptions {
  print?: true | undefined;
  force?: true | undefined;
  name?: string | undefined;
  user?: string | undefined;
  platform?: ServicePlatform | undefined;
  root?: string | undefined;
}

const platformOption = () =>
  new Option("--platform <manager>", "whose definition to write (default: this machine's)").choices(SERVICE_PLATFORMS);
/** For tests, and for who builds an image of a machine: as DESTDIR of make. */
const rootOption = () => new Option("--root <dir>", "write below this folder").hideHelp();

/** `drawbridge ROLE install-service`, without what only one role takes. */
export function installServiceCommandOf(role: ServiceRole) {
  const what = `let this machine run \`drawbridge ${role} run\` as a service`;
  return commandNamed("install-service", what, { hasHome: role !== "gateway" })
    .option("--print", "only show the definition")
    .option("--name <name>", `the service's name (default: drawbridge-${role})`)
    .option("--user <name>", "the account that it runs as (default: one of its own)")
    .addOption(platformOption())
    .addOption(rootOption())
    .option("--force", "put it in the place of another definition that is there");
}

/** `drawbridge ROLE uninstall-service`. */
export function uninstallServiceCommand(role: ServiceRole) {
  const what = "take the service's definition away; home and account stay";
  return commandNamed("uninstall-service", what, { hasHome: false })
    .option("--name <name>", "the service's name", `drawbridge-${role}`)
    .addOption(platformOption())
    .addOption(rootOption())
    .action((options) => runCommand(options, (context) => uninstall(context, options)));
}

/** Shows or writes the definition of a role's service. */
export function installService(role: ServiceRole, options: InstallOptions, run: ServiceRunOptions = {}): Promise<void> {
  return runCommand(options, async (context) => {
    const platform = chosenPlatform(options);
    const { name, user, home } = options;
    const wish = { role, platform, name, user, home, run };
    const service = await describeService(wish, process.env);
    const isHere = platform === servicePlatformOf(process.platform) && platform !== "windows";
    const machine = isHere ? await inspectMachine(service) : {};
    const file = serviceFile(platform, service, process.env, machine.systemdVersion);
    const steps = nextSteps(platform, service, machine, file.path);
    const record = { platform, name: service.name, path: file.path, user: service.user, home: service.home, ...steps };
    if (options.print === true) {
      context.output.result({ event: "service-definition", content: file.content, ...record }, file.content.trimEnd());
      return;
    }
    const path = options.root === undefined ? file.path : join(options.root, file.path);
    const done = await installFile({ path, content: file.content }, options.force ?? false);
    context.output.result({ event: "service-installed", done, ...record, path }, report(done, path, service, steps));
  });
}

async function uninstall(
  { output }: CommandContext,
  options: { name: string; platform?: ServicePlatform | undefined; root?: string | undefined },
): Promise<void> {
  const platform = chosenPlatform(options);
  const own = serviceFilePath(platform, options.name, process.env);
  const path = options.root === undefined ? own : join(options.root, own);
  await removeFile(path);
  const stop = {
    systemd: `sudo systemctl disable --now ${options.name}; sudo systemctl daemon-reload`,
    launchd: `sudo launchctl bootout system/${options.name}`,
    windows: `sc.exe stop ${options.name}; sc.exe delete ${options.name}`,
  }[platform];
  output.result(
    { event: "service-uninstalled", platform, name: options.name, path, stop },
    plain`Removed ${path}. Home and account are still there. Where it still runs: ${stop}`,
  );
}

/** Another platform's definition would name this machine's files: it can be shown, as an example, and no more. */
function chosenPlatform(options: {
  platform?: ServicePlatform | undefined;
  print?: true | undefined;
  root?: string | undefined;
}): ServicePlatform {
  const own = servicePlatformOf(process.platform);
  const platform = options.platform ?? own;
  if (platform === own || options.print === true || options.root !== undefined) return platform;
  throw new DrawbridgeError("invalid-argument", `this machine has ${own}, not ${platform}`, {
    remedy: "Leave --platform out, or only look at the definition with --print.",
  });
}

function report(done: string, path: string, { role, user, home }: ServiceDescription, steps: NextSteps): string {
  const { warnings, start, log, beside } = steps;
  const how = done === "unchanged" ? "It was there already, the same." : "It is not started yet.";
  const where = home === undefined ? "" : plain`, with the home ${home}`;
  const list = (lines: readonly string[]): string => lines.map((line) => plain`\n  ${line}`).join("");
  return [
    plain`${done === "unchanged" ? "Kept" : "Wrote"} ${path}: \`drawbridge ${role} run\` as ${user ?? "an account of its own"}${where}. ${how}`,
    ...warnings.map((warning) => plain`Mind: ${warning}`),
    `Next:${list(start)}`,
    `Its log:${list([log])}`,
    ...(beside === undefined ? [] : [`Other commands on its home, for example:${list([beside])}`]),
  ].join("\n");
}

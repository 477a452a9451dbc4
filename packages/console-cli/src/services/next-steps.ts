import type { ServiceDescription, ServiceRole } from "./service-description.ts";
import { launchdLog } from "./launchd.ts";
import type { ServiceMachine } from "./service-machine.ts";
import type { ServicePlatform } from "./service-platform.ts";
import { windowsFolder } from "./windows.ts";

/** What a person does after a definition was written. Commands are whole, quoted, and in order. */
export interface NextSteps {
  /** What is in the way. Sentences. */
  readonly warnings: readonly string[];
  /** What makes the service run, each a command or a sentence. */
  readonly start: readonly string[];
  /** How to see its log. */
  readonly log: string;
  /** How to run other commands on its home. Absent: it has none. */
  readonly beside: string | undefined;
}

/** What a role's home is made by. */
const MADE_BY: Readonly<Record<ServiceRole, string>> = {
  cloud: "cloud init --public-address HOST:PORT",
  tenant: "tenant enroll CODE --target rdp=127.0.0.1:3389",
  gateway: "",
};
const OVERVIEW: Readonly<Record<ServiceRole, string>> = {
  cloud: "cloud invite tenant NAME",
  tenant: "tenant status",
  gateway: "",
};

/** What comes after a definition. @param file where it stands */
export function nextSteps(
  platform: ServicePlatform,
  service: ServiceDescription,
  machine: ServiceMachine,
  file: string,
): NextSteps {
  if (platform === "windows") return windowsSteps(service, file);
  const { name, role, home, user } = service;
  const warnings = warningsOf(service, machine);
  const program = wordsOf(service).map(shellWord).join(" ");
  const at = home === undefined ? "" : ` --home ${shellWord(home)}`;
  const make = machine.hasHome === false ? [`sudo ${program} ${MADE_BY[role]}${at}`] : [];
  const own = user !== undefined && home !== undefined && machine.ownsHome !== true;
  const give = own ? [`sudo chown -R ${shellWord(`${user}:`)} ${shellWord(home)}`] : [];
  const systemd = platform === "systemd";
  const account = user === undefined || machine.hasUser === true ? [] : [makeUser(systemd, user)];
  const start = systemd
    ? ["sudo systemctl daemon-reload", `sudo systemctl enable --now ${name}`]
    : [...launchdLogFile(service), `sudo launchctl bootstrap system ${shellWord(file)}`];
  const log = systemd ? `sudo journalctl -u ${name} -f` : `tail -f ${shellWord(launchdLog(name))}`;
  const beside =
    home === undefined ? undefined : `sudo -u ${shellWord(user ?? "root")} ${program} ${OVERVIEW[role]}${at}`;
  return { warnings, start: [...account, ...make, ...give, ...start], log, beside };
}

/** A longer home has its local socket in the temporary directory, and that of a service is its own. */
const MAX_HOME_BYTES = 103 - "/tenant/local.sock".length;

function warningsOf({ role, user, name, home }: ServiceDescription, { closed, hasHome }: ServiceMachine): string[] {
  const account = user ?? name;
  return [
    ...(hasHome === false ? ["The home is not there yet, or may not be seen by you."] : []),
    ...(role === "tenant" && Buffer.byteLength(home ?? "") > MAX_HOME_BYTES
      ? ["The home's path is so long that other commands will not reach the service: choose a shorter one."]
      : []),
    ...(closed === undefined
      ? []
      : [`The account ${account} may not use ${closed}: put Drawbridge where everybody can read it, such as /opt.`]),
  ];
}

function makeUser(systemd: boolean, user: string): string {
  if (systemd) return `sudo systemd-sysusers --inline ${shellWord(`u ${user} - "Drawbridge"`)}`;
  // sysadminctl wants a number from 200 to 400 for such an account, and its name to begin with "_".
  return `sudo sysadminctl -addUser ${shellWord(user)} -fullName Drawbridge -roleAccount -UID 399`;
}

function launchdLogFile({ name, user }: ServiceDescription): string[] {
  const log = shellWord(launchdLog(name));
  return [`sudo touch ${log}`, ...(user === undefined ? [] : [`sudo chown ${shellWord(user)} ${log}`])];
}

/** What starts Drawbridge. */
function wordsOf({ node, script }: ServiceDescription): string[] {
  return script === undefined ? [node] : [node, script];
}

function windowsSteps(service: ServiceDescription, file: string): NextSteps {
  const { name, user, home, role } = service;
  const program = file.replace(/\.xml$/, ".exe");
  const folder = home ?? windowsFolder(process.env);
  // By number, because their names differ with Windows' language: LocalService, Administrators, SYSTEM.
  const account = user ?? "*S-1-5-19";
  const rights = [`${account}:(OI)(CI)M`, "*S-1-5-32-544:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F"];
  const words = wordsOf(service).map((word) => `"${word}"`);
  const beside = `& ${words.join(" ")} ${OVERVIEW[role]} --home "${home ?? ""}"`;
  return {
    warnings: [],
    start: [
      `Download WinSW-x64.exe of version 2 from https://github.com/winsw/winsw/releases and save it as ${program}.`,
      "Then, in a PowerShell of an administrator:",
      `mkdir -Force "${folder}"`,
      `icacls "${folder}" /inheritance:r /grant:r ${rights.map((right) => `"${right}"`).join(" ")}`,
      `& "${program}" install`,
      `& "${program}" start`,
    ],
    log: `Get-Content -Wait "${folder}\\${name}.err.log"`,
    beside: home === undefined ? undefined : beside,
  };
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

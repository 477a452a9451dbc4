import { DrawbridgeError } from "@drawbridge/dataplane";
import type { ServiceDescription } from "./service-description.ts";
import { SERVICE_TITLES } from "./service-description.ts";

/** What depends on the machine that the unit is for. */
export interface SystemdOptions {
  /** systemd's version. Default: 252, Debian 12's. */
  readonly version?: number | undefined;
}

/** The folder of systemd's that services keep their state in. */
export const STATE_FOLDER = "/var/lib";

const HOME_FOLDERS = ["/home", "/root", "/run/user"];
/** From here on a service that fails again and again is restarted ever more slowly. Source: systemd.service(5). */
const BACK_OFF_VERSION = 254;

/** The unit of a service for systemd 252 or later. Errors: `invalid-argument` for a path that systemd takes for none. */
export function systemdUnit(service: ServiceDescription, options: SystemdOptions = {}): string {
  const { role, name } = service;
  return `# Written by \`drawbridge ${role} install-service\`. Your own changes belong into: systemctl edit ${name}
[Unit]
Description=${SERVICE_TITLES[role]}
Wants=network-online.target
After=network-online.target nss-lookup.target
StartLimitIntervalSec=0

[Service]
${[...running(service, options.version ?? 252), "", ...owner(service), "", ...sandbox(service)].join("\n")}

[Install]
WantedBy=multi-user.target
`;
}

function running(service: ServiceDescription, version: number): string[] {
  const { role, node, args } = service;
  return [
    "Type=notify",
    "# Messages come from systemd-notify, a child of the service.",
    "NotifyAccess=all",
    "WatchdogSec=60",
    `ExecStart=:${[executable(node), ...args.map(quoted)].join(" ")}`,
    ...(role === "tenant" ? ["ExecReload=/bin/kill -HUP $MAINPID"] : []),
    "# The service ends by itself; a message on its way to systemd does too.",
    "KillMode=mixed",
    `TimeoutStopSec=${service.stopSeconds}`,
    // By default the whole service is stopped for a worker that the kernel ends.
    ...(role === "cloud"
      ? ["# A worker process that the kernel kills for its memory is replaced.", "OOMPolicy=continue"]
      : []),
    "Restart=on-failure",
    "RestartSec=5",
    ...(version >= BACK_OFF_VERSION ? ["RestartSteps=6", "RestartMaxDelaySec=300"] : []),
    "# 2: wrong settings or home. 3: refused or revoked. Another start would end the same way.",
    "RestartPreventExitStatus=2 3",
    "LimitNOFILE=524288",
    "# A dump of the memory would hold keys.",
    "LimitCORE=0",
  ];
}

function owner({ user, home, name }: ServiceDescription): string[] {
  const account = user === undefined ? ["DynamicUser=yes"] : [`User=${user}`];
  const files = home === undefined ? [] : homeRights(home, name);
  return [...account, ...files, "UMask=0077"];
}

function homeRights(home: string, name: string): string[] {
  if (home === `${STATE_FOLDER}/${name}`) return [`StateDirectory=${name}`, "StateDirectoryMode=0700"];
  return [`ReadWritePaths=${quoted(home)}`];
}

function sandbox(service: ServiceDescription): string[] {
  const { lowPort, home, node, args } = service;
  const paths = [home ?? "", node, ...args];
  const needsHomes = paths.some((path) => HOME_FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
  const bind = lowPort ? ["CAP_NET_BIND_SERVICE"] : [];
  return [
    "NoNewPrivileges=yes",
    `CapabilityBoundingSet=${bind.join(" ")}`,
    ...bind.map((capability) => `AmbientCapabilities=${capability}`),
    "ProtectSystem=strict",
    ...(needsHomes ? ["# The program or its files are in there.", "ProtectHome=read-only"] : ["ProtectHome=yes"]),
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    // Inside a user namespace, the right to a low port would not count.
    ...(lowPort ? [] : ["PrivateUsers=yes"]),
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "KeyringMode=private",
    "LockPersonality=yes",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service @pkey",
    "SystemCallFilter=~@privileged",
    "SystemCallErrorNumber=EPERM",
    "# Not MemoryDenyWriteExecute: Node's JavaScript engine writes the machine code that it runs.",
  ];
}

/**
 * A word for ExecStart or a list of paths. The `:` before the command keeps `$` from meaning anything.
 * Source: systemd.syntax(7) on quoting, systemd.unit(5) on specifiers.
 */
function quoted(word: string): string {
  refuseControls(word);
  const escaped = word.replaceAll(/[\\"]/g, "\\$&").replaceAll("%", "%%");
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

function executable(path: string): string {
  // systemd's config_parse_exec refuses these in a command's own path, however they are quoted.
  if (/["'\\]/.test(path)) throw unusable(path, "has a quote or a backslash");
  return quoted(path);
}

function refuseControls(word: string): void {
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(word)) throw unusable(word, "has a control character");
}

function unusable(word: string, why: string): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", `systemd cannot use ${JSON.stringify(word)}: it ${why}`, {
    remedy: "Move it to a path without.",
  });
}

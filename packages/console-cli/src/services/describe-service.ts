import { readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { parseDurationText } from "@drawbridge/control/wire";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { ownProgram } from "../own-program.ts";
import { serviceHome } from "./service-home.ts";
import type { ServiceDescription, ServiceRole } from "./service-description.ts";
import type { ServicePlatform } from "./service-platform.ts";
import { LOCAL_SERVICE } from "./windows.ts";

/** What a person asked for. */
export interface ServiceWish {
  readonly role: ServiceRole;
  readonly platform: ServicePlatform;
  /** Default: `drawbridge-ROLE`. */
  readonly name?: string | undefined;
  /** Default: an account of the service's own, with its name; for a gateway under systemd one for each run. */
  readonly user?: string | undefined;
  /** `--home`. Default: where the platform's services keep their files. */
  readonly home?: string | undefined;
  /** What the role's `run` is told. */
  readonly run: ServiceRunOptions;
}

/** What a role's `run` is told on its command line, as it is written there; the rest stands in the home's settings. */
export interface ServiceRunOptions {
  /** Default: what the home's settings say. */
  readonly listen?: string | undefined;
  readonly cloud?: readonly string[] | undefined;
  /** Default: ten minutes, for those that drain. */
  readonly drain?: string | undefined;
  /** Default: what the home's settings say, else nowhere. */
  readonly metrics?: string | undefined;
}

const FIRST_FREE_PORT = 1024;
const USUAL_DRAIN = "10m";
/** What a service may take to stop beside its drain, in seconds. */
const STOP_MARGIN_SECONDS = 60;

/** What names of services and accounts have in common on every platform. Windows' accounts may have a domain. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const UNIX_USER = /^[A-Za-z_][A-Za-z0-9_-]{0,30}$/;

/**
 * Describes the service that a person asked for, with this process's own Node and executable.
 *
 * Errors: `invalid-argument` for names that are none.
 */
export async function describeService(
  wish: ServiceWish,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ServiceDescription> {
  const { role, platform, run } = wish;
  const name = checked(wish.name ?? `drawbridge-${role}`, NAME, "a service's name");
  const home = role === "gateway" ? undefined : serviceHome(wish.home, env, platform, name);
  const own = await ownProgram([]);
  const [script] = await Promise.all(own.args.map((file) => realpath(file)));
  const at = run.listen ?? (role === "cloud" ? await settingsListen(home) : undefined);
  // 0 is any free port.
  const port = Number(/:(\d+)$/.exec(at ?? "")?.[1] ?? 0);
  const drainMs = role === "tenant" ? 0 : (parseDurationText(run.drain ?? USUAL_DRAIN) ?? 0);
  return {
    ...{ role, name, home },
    node: own.command,
    script,
    args: [
      ...(script === undefined ? [] : [script]),
      role,
      "run",
      ...(home === undefined ? [] : ["--home", home]),
      ...runArguments(run),
    ],
    user: account(wish, name),
    lowPort: port > 0 && port < FIRST_FREE_PORT,
    stopSeconds: Math.ceil(drainMs / 1000) + STOP_MARGIN_SECONDS,
  };
}

function runArguments({ listen, cloud = [], drain, metrics }: ServiceRunOptions): string[] {
  return [
    ...(listen === undefined ? [] : ["--listen", listen]),
    ...cloud.flatMap((address) => ["--cloud", address]),
    ...(drain === undefined ? [] : ["--drain", drain]),
    ...(metrics === undefined ? [] : ["--metrics", metrics]),
  ];
}

function account({ platform, role, user }: ServiceWish, name: string): string | undefined {
  switch (platform) {
    case "windows":
      return user === LOCAL_SERVICE ? undefined : user;
    case "launchd":
      // The names of macOS's own accounts for services begin so.
      return checked(user ?? `_${name}`, UNIX_USER, "an account's name");
    case "systemd":
      if (user === undefined && role === "gateway") return undefined;
      return checked(user ?? name, UNIX_USER, "an account's name");
  }
}

function checked(text: string, shape: RegExp, what: string): string {
  if (shape.test(text)) return text;
  throw new DrawbridgeError("invalid-argument", `${JSON.stringify(text)} cannot be ${what}`, {
    remedy:
      "Use letters, digits, - and _ only, not too many, and give --user where the service's name is no account's.",
  });
}

/** Where a cloud redirector's home says that it listens; undefined where there is none to be seen. */
async function settingsListen(home: string | undefined): Promise<string | undefined> {
  try {
    const text = await readFile(path.join(home ?? "", "cloud", "settings.json"), "utf8");
    const { listen } = JSON.parse(text) as { listen?: unknown };
    return typeof listen === "string" ? listen : undefined;
  } catch {
    return undefined;
  }
}

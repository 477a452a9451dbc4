import { execFile } from "node:child_process";
import type { Stats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { ServiceDescription } from "./service-description.ts";

const run = promisify(execFile);
const ASK_MS = 5_000;

/** What an install needs to know of the machine. Unknown is undefined, as on another platform than the definition's. */
export interface ServiceMachine {
  readonly systemdVersion?: number | undefined;
  /** Whether the account is there. */
  readonly hasUser?: boolean | undefined;
  /** Whether the role's folder in the home is there and who runs this may see it. */
  readonly hasHome?: boolean | undefined;
  /** Whether the home belongs to the account. */
  readonly ownsHome?: boolean | undefined;
  /** The first file or folder of the program that the account may not use. */
  readonly closed?: string | undefined;
}

/** Looks at this machine. Never rejects: what cannot be found out is unknown. */
export async function inspectMachine({
  role,
  user,
  home,
  node,
  script = node,
}: ServiceDescription): Promise<ServiceMachine> {
  const uid = user === undefined ? undefined : await userId(user);
  const own = home === undefined ? undefined : await look(path.join(home, role));
  return {
    systemdVersion: await systemdVersion(),
    ...(user !== undefined && { hasUser: uid !== undefined }),
    ...(home !== undefined && { hasHome: own !== undefined }),
    ...(own !== undefined && { ownsHome: own.uid === uid }),
    closed: (await firstClosed(node, uid)) ?? (await firstClosed(script, uid)),
  };
}

async function userId(user: string): Promise<number | undefined> {
  const text = await output("id", ["-u", user]);
  return text === undefined ? undefined : Number(text);
}

async function systemdVersion(): Promise<number | undefined> {
  const [, version] = /^systemd (\d+)/.exec((await output("systemctl", ["--version"])) ?? "") ?? [];
  return version === undefined ? undefined : Number(version);
}

async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { timeout: ASK_MS })).stdout;
  } catch {
    return undefined;
  }
}

async function look(file: string): Promise<Stats | undefined> {
  try {
    return await lstat(file);
  } catch {
    return undefined;
  }
}

/** An account without groups of its own: the owner's rights count for it, or everybody's. */
async function firstClosed(file: string, uid: number | undefined): Promise<string | undefined> {
  const folders: string[] = [];
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    folders.unshift(folder);
    if (folder === path.dirname(folder)) break;
  }
  for (const entry of [...folders, file]) {
    const stats = await stat(entry).catch(() => undefined);
    if (stats === undefined) return undefined;
    const needed = stats.isDirectory() ? 0o1 : 0o4;
    const shift = stats.uid === uid ? 6 : 0;
    if (uid !== 0 && (stats.mode & (needed << shift)) === 0) return entry;
  }
  return undefined;
}

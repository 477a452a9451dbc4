import { createHash } from "node:crypto";
import { lstat, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { readPrivateFile, writePrivateFile } from "../../identity/index.ts";

/**
 * The most bytes of a Unix socket's path on every system that we run on. Source: unix(7) has 108 with the zero at the
 * end, macOS's sys/un.h has 104.
 */
const MAX_PATH_BYTES = 103;
const SOCKET = "local.sock";
/** Holds the directory of the socket where the home's own path is too long for it. */
const RECORD = "local-socket";

/**
 * Where the local socket of a home is to listen: in the home; where that path is too long, in a directory of its own
 * under XDG_RUNTIME_DIR or the temporary directory, which is noted in the home; on Windows a named pipe.
 *
 * Errors: `home-invalid` for a directory that others may enter.
 */
export async function prepareLocalAddress(home: string): Promise<string> {
  const own = ownAddress(home);
  if (own.fits) {
    if (!own.pipe) await requirePrivate(home);
    return own.path;
  }
  const noted = await readRecord(home);
  if (noted !== undefined && (await isPrivate(noted))) return join(noted, SOCKET);
  // mkdtemp makes it 0700 and under a name that nobody can have taken before.
  const directory = await mkdtemp(join(process.env["XDG_RUNTIME_DIR"] || tmpdir(), "drawbridge-"));
  await writePrivateFile(join(home, RECORD), directory);
  return join(directory, SOCKET);
}

/** Where the local socket of a home listens, if it does; undefined where it never has. Errors: `home-invalid`. */
export async function findLocalAddress(home: string): Promise<string | undefined> {
  const own = ownAddress(home);
  if (own.fits) return own.path;
  const directory = await readRecord(home);
  if (directory === undefined) return undefined;
  // Something may have cleaned the temporary directory, and another user may have taken the name since.
  await requirePrivate(directory);
  return join(directory, SOCKET);
}

function ownAddress(home: string): { path: string; fits: boolean; pipe: boolean } {
  if (process.platform === "win32") {
    const digest = createHash("sha256").update(resolve(home).toLowerCase()).digest("hex").slice(0, 32);
    return { path: `\\\\.\\pipe\\drawbridge-${digest}`, fits: true, pipe: true };
  }
  const path = join(home, SOCKET);
  return { path, fits: Buffer.byteLength(path) <= MAX_PATH_BYTES, pipe: false };
}

async function readRecord(home: string): Promise<string | undefined> {
  try {
    return (await readPrivateFile(join(home, RECORD))).toString("utf8");
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-missing") return undefined;
    throw error;
  }
}

async function isPrivate(directory: string): Promise<boolean> {
  try {
    const stats = await lstat(directory);
    return stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

async function requirePrivate(directory: string): Promise<void> {
  if (await isPrivate(directory)) return;
  const text = `${directory} is not a directory of this user alone, so no local socket may be in it`;
  throw new DrawbridgeError("home-invalid", text, { remedy: `Run as its owner: chmod 700 ${directory}` });
}

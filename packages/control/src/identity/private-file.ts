import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, link, mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DrawbridgeError, nodeErrorCode } from "@drawbridge/dataplane";
import { fromFileError } from "./file-error.ts";

/** How {@link writePrivateFile} treats a file that is there. */
export interface WritePrivateFileOptions {
  /** Refuse (`home-exists`) rather than replace a file that is there. Default: false. */
  readonly exclusive?: boolean;
}

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;
const POSIX = process.platform !== "win32";
/** No file of a home is near this; a larger one is some other file. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Makes a directory that only its owner may enter (0700), with the parents that are missing. One that is there keeps
 * its mode.
 * @throws DrawbridgeError `home-invalid` and the like, with the path.
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await makeDirectories(resolve(path));
  } catch (error) {
    throw fromFileError(error, path);
  }
}

/** Not mkdir's `recursive`: where a file system refuses a name as if its parent were missing (/proc), it never returns. */
async function makeDirectories(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path; !(await makeDirectory(at)); at = dirname(at)) missing.push(at);
  for (const at of missing.reverse()) await mkdir(at, { mode: DIRECTORY_MODE }).catch(unlessThere(at));
}

/** Makes one directory, or finds it there. False where its parent is missing. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE }).catch(unlessThere(path));
    return true;
  } catch (error) {
    if (nodeErrorCode(error) === "ENOENT" && dirname(path) !== path) return false;
    throw error;
  }
}

/** Takes a directory that is there already, also one that somebody has made at the same time. */
function unlessThere(path: string): (error: unknown) => Promise<void> {
  return async (error) => {
    const isThere = nodeErrorCode(error) === "EEXIST" && (await stat(path)).isDirectory();
    if (!isThere) throw error;
  };
}

/**
 * Writes a file that only its owner may read (0600), whatever the umask. The file is whole or it is not there: it is
 * written beside its place under a name of its own, with that mode from its first instant, flushed to disk, and then
 * moved into place.
 * @throws DrawbridgeError with the path: `home-missing` without the directory, `home-exists`, `home-invalid`,
 * `limit-exceeded`.
 */
export async function writePrivateFile(
  path: string,
  data: string | Uint8Array,
  options: WritePrivateFileOptions = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    await writeNew(temporary, data);
    await moveIntoPlace(temporary, path, options.exclusive ?? false);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw fromFileError(error, path);
  }
}

async function writeNew(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, "wx", FILE_MODE);
  try {
    await fillPrivately(file, data);
  } catch (error) {
    await file.close().catch(() => {});
    await removeQuietly(path);
    throw error;
  }
  await file.close();
}

async function fillPrivately(file: FileHandle, data: string | Uint8Array): Promise<void> {
  // The umask can only have taken rights away, perhaps too many.
  if (POSIX) await file.chmod(FILE_MODE);
  await file.writeFile(data);
  await file.sync();
}

async function moveIntoPlace(temporary: string, path: string, exclusive: boolean): Promise<void> {
  try {
    if (exclusive) await link(temporary, path);
    else await rename(temporary, path);
  } finally {
    // A rename that succeeded has left nothing to remove.
    await removeQuietly(temporary);
  }
}

async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch(() => {});
}

/** A rename is durable only once its directory is; Windows cannot open directories and needs no such thing. */
async function syncDirectory(path: string): Promise<void> {
  if (!POSIX) return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Reads a file that must be private: on POSIX, one that the group or others may use is refused. At most 1 MiB.
 * @throws DrawbridgeError with the path: `home-missing`, or `home-invalid` whose remedy is the chmod that helps.
 */
export async function readPrivateFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path, "r");
    try {
      refuseUnlessPrivate(path, await file.stat());
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fromFileError(error, path);
  }
}

/** Whether a private file is there. @throws DrawbridgeError as {@link readPrivateFile}, but for `home-missing` */
export async function hasPrivateFile(path: string): Promise<boolean> {
  try {
    await readPrivateFile(path);
    return true;
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-missing") return false;
    throw error;
  }
}

function refuseUnlessPrivate(path: string, stats: Stats): void {
  refuseExposed(path, stats);
  if (stats.size > MAX_FILE_BYTES) {
    const remedy = "Check --home: this is not a file that Drawbridge wrote.";
    throw new DrawbridgeError("home-invalid", `${path} is too large, ${stats.size} bytes`, { remedy });
  }
}

function refuseExposed(path: string, stats: Stats): void {
  if (!stats.isFile()) {
    throw new DrawbridgeError("home-invalid", `${path} is not a file`, { remedy: "Move it away, then try again." });
  }
  if (!POSIX || (stats.mode & OTHERS) === 0) return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
  throw new DrawbridgeError("home-invalid", `${path} can be used by other users of this machine (mode ${mode})`, {
    remedy: `Run: chmod 600 ${quoteForShell(path)}`,
  });
}

function quoteForShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/**
 * Sees to it that a file is there and private before something else, such as a database, opens it: an absent one is
 * made empty (0600), and one that the group or others may use is refused.
 * @throws DrawbridgeError as {@link readPrivateFile}, but for `home-missing`, which means the directory.
 */
export async function ensurePrivateFile(path: string): Promise<void> {
  try {
    await (await open(path, "ax", FILE_MODE)).close();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw fromFileError(error, path);
  }
  try {
    refuseExposed(path, await stat(path));
  } catch (error) {
    throw fromFileError(error, path);
  }
}

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { ServiceFile } from "./service-platform.ts";

/** What became of a definition's file. */
export type Installed = "written" | "replaced" | "unchanged";

/**
 * Puts a definition in its place, whole or not at all (0644).
 *
 * Errors: `permission-denied` without the right to; `invalid-argument` where another definition stands there and
 * `force` is not given.
 */
export async function installFile({ path, content }: ServiceFile, force: boolean): Promise<Installed> {
  try {
    const before = await readIfThere(path);
    if (before === content) return "unchanged";
    if (before !== undefined && !force) throw differs(path, before, content);
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(path, content);
    return before === undefined ? "written" : "replaced";
  } catch (error) {
    throw translated(error, path);
  }
}

/**
 * Takes a definition away, if it is one of ours.
 *
 * Errors: `permission-denied`; `invalid-argument` where none is there, or one that somebody else wrote.
 */
export async function removeFile(path: string): Promise<void> {
  try {
    const content = await readIfThere(path);
    if (content === undefined) {
      throw new DrawbridgeError("invalid-argument", `there is no ${path}`, {
        remedy: "Name the service with --name if it has a name of its own.",
      });
    }
    if (!content.slice(0, HEAD_LENGTH).includes("Written by `drawbridge")) {
      throw new DrawbridgeError("invalid-argument", `${path} was not written by Drawbridge`, {
        remedy: "Remove it by hand if it is to go.",
      });
    }
    await rm(path);
  } catch (error) {
    throw translated(error, path);
  }
}

const HEAD_LENGTH = 400;

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, content, { mode: 0o644, flag: "wx", flush: true });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function differs(path: string, before: string, after: string): DrawbridgeError {
  const old = before.split("\n");
  const now = after.split("\n");
  const line = Math.max(
    0,
    now.findIndex((text, index) => text !== old[index]),
  );
  const what = `line ${line + 1} is ${JSON.stringify(old[line] ?? "")}, and would be ${JSON.stringify(now[line] ?? "")}`;
  return new DrawbridgeError("invalid-argument", `${path} is there already and differs: ${what}`, {
    remedy: "Look at the new one with --print, and give --force to put it in the old one's place.",
  });
}

function translated(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === "EACCES" || errno === "EPERM") {
    return new DrawbridgeError("permission-denied", `${path} may not be changed by this user`, {
      remedy: "Run it as root (sudo, or an administrator's prompt), or see what it would write with --print.",
      cause: error,
    });
  }
  if (errno === undefined) return error;
  return new DrawbridgeError("internal", `${path} cannot be changed (${errno})`, {
    remedy: "Check the disk.",
    cause: error,
  });
}

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && "syscall" in error ? String(error.code) : undefined;

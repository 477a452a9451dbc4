import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";
import type { ClientEnvironment } from "./client-environment.ts";

/**
 * Looks for a program: the first of `names` that is there, each tried in every folder of PATH. A name that holds a path
 * separator is tried as it stands.
 *
 * @returns its path, or undefined
 */
export async function findExecutable(
  names: readonly string[],
  environment: ClientEnvironment,
): Promise<string | undefined> {
  for (const name of names) {
    for (const candidate of candidates(name, environment)) {
      if (await isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

function candidates(name: string, { platform, variables }: ClientEnvironment): string[] {
  const windows = platform === "win32";
  const paths = windows ? path.win32 : path.posix;
  const endings = windows && !paths.extname(name) ? (variables["PATHEXT"] || ".COM;.EXE").split(";") : [""];
  const isPath = name.includes("/") || (windows && name.includes("\\"));
  // A relative folder in PATH would make the choice depend on the working directory, which may be anybody's.
  const folders = (variables["PATH"] ?? variables["Path"] ?? "").split(paths.delimiter).filter(paths.isAbsolute);
  const bases = isPath ? [name] : folders.map((folder) => paths.join(folder, name));
  return bases.flatMap((base) => endings.map((ending) => base + ending));
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

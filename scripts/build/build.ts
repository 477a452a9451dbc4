import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/[/\\]$/, "");

/** Where what is built goes. */
export const BUILD = join(ROOT, "build");

/** Runs a program to its end. @throws Error with its output where it fails. */
export async function mustRun(command: string, args: readonly string[], cwd = ROOT): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause });
  }
}

/** Lists what was built, with sizes. */
export async function showSizes(): Promise<void> {
  for (const entry of (await readdir(BUILD, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isFile()) continue;
    const { size } = await stat(join(BUILD, entry.name));
    console.log(`build/${entry.name}  ${Math.ceil(size / 1024).toLocaleString("en")} KiB`);
  }
}

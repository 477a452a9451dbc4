import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD = join(ROOT, "build");

let built: Promise<unknown> | undefined;

/** Builds the packages, once for all specs, and resolves to the files of those that are named so: `control`. */
export async function builtPackages(...names: readonly string[]): Promise<string[]> {
  built ??= promisify(execFile)(process.execPath, [join(ROOT, "scripts/build/packages.ts")], { cwd: ROOT });
  await built;
  const files = await readdir(BUILD);
  return names.map((name) => {
    const file = files.find((made) => made.startsWith(`drawbridge-${name}-`));
    if (file === undefined) throw new Error(`the build made no package ${name}`);
    return join(BUILD, file);
  });
}

import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { ROOT } from "./build.ts";

/** The executable with all that is ours in one file, as ECMAScript module for Node 24 and later. */
export async function bundle(outfile: string, options: BuildOptions): Promise<void> {
  await build({
    entryPoints: [join(ROOT, "packages/console-cli/src/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // Class names are shown in errors.
    keepNames: true,
    logLevel: "warning",
    ...options,
  });
}

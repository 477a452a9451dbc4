/**
 * `npm run bench [-- NAME …] [--rounds N] [--seconds S] [--dry]`: sets a fresh clone up, installs the peers that it
 * compares with, and measures with the project's own Node.
 */
import { delimiter, join } from "node:path";

import { ensureDependencies } from "./setup/dependencies.mjs";
import { ensureDebianPackages } from "./setup/debian-packages.mjs";
import { NO_NODE, projectNode, ROOT } from "./setup/paths.mjs";
import { handOver } from "./setup/run.mjs";

const code = await ensureDependencies();
if (code !== 0) process.exit(code);

const node = projectNode();
if (node === undefined) {
  console.error(NO_NODE);
  process.exit(4);
}

const reason = await ensureDebianPackages("peers", "bench");
if (reason !== undefined) {
  console.error(`The bench needs its peers. ${reason}`);
  process.exit(4);
}

process.exitCode = await handOver(node, [join(ROOT, "test/bench/run.ts"), ...process.argv.slice(2)], {
  cwd: ROOT,
  env: { ...process.env, PATH: [join(ROOT, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter) },
});

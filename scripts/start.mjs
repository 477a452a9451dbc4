/** `npm start`: sets a fresh clone up, then runs the demonstration with the project's own Node. */
import { join } from "node:path";

import { ensureDependencies } from "./setup/dependencies.mjs";
import { NO_NODE, projectNode, ROOT } from "./setup/paths.mjs";
import { handOver } from "./setup/run.mjs";

const code = await ensureDependencies();
if (code !== 0) process.exit(code);

const node = projectNode();
if (node === undefined) {
  console.error(NO_NODE);
  process.exit(4);
}
process.exitCode = await handOver(node, [join(ROOT, "scripts", "demo", "main.ts"), ...process.argv.slice(2)]);

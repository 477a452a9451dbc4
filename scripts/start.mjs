/** `npm start`: sets a fresh clone up, then runs the demonstration with the project's own Node. */
import { join } from "node:path";

import { ROOT } from "./setup/paths.mjs";
import { preparedNode } from "./setup/prepared-node.mjs";
import { handOver } from "./setup/run.mjs";

const node = await preparedNode();
process.exitCode = await handOver(node, [join(ROOT, "scripts", "demo", "main.ts"), ...process.argv.slice(2)]);

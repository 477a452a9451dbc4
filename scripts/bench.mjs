/**
 * `npm run bench [-- NAME …] [--rounds N] [--seconds S] [--dry]`: sets a fresh clone up, installs the peers that it
 * compares with, and measures with the project's own Node.
 */
import { join } from "node:path";

import { ensureDebianPackages } from "./setup/debian-packages.mjs";
import { ROOT } from "./setup/paths.mjs";
import { preparedNode, withProjectPrograms } from "./setup/prepared-node.mjs";
import { handOver } from "./setup/run.mjs";

const given = process.argv.slice(2);
const node = await preparedNode();

const asksForHelp = given.some((argument) => argument === "--help" || argument === "-h");
const reason = asksForHelp ? undefined : await ensureDebianPackages("peers", "bench");
if (reason !== undefined) {
  console.error(`The bench needs its peers. ${reason}`);
  process.exit(4);
}

process.exitCode = await handOver(node, [join(ROOT, "test/bench/run.ts"), ...given], {
  cwd: ROOT,
  env: withProjectPrograms(),
});

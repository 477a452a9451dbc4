/**
 * `npm test [-- MOCHA ARGUMENTS]`: sets a fresh clone up, Debian packages included, then runs mocha with the project's
 * own Node. Arguments that begin with `test/` name the specs to run; without one all are run.
 */
import { delimiter, join } from "node:path";

import { ensureDependencies } from "./setup/dependencies.mjs";
import { ensureDebianPackages } from "./setup/debian-packages.mjs";
import { NO_NODE, projectNode, ROOT } from "./setup/paths.mjs";
import { handOver } from "./setup/run.mjs";

const ALL = ["unit", "contract", "integration", "desktop", "packaging"].map((kind) => `test/${kind}/**/*.spec.ts`);

const code = await ensureDependencies();
if (code !== 0) process.exit(code);

const node = projectNode();
if (node === undefined) {
  console.error(NO_NODE);
  process.exit(4);
}

const reason = await ensureDebianPackages("desktop", "peers");
if (reason !== undefined) console.log(`The tests that need other programs will be skipped. ${reason}`);

const given = process.argv.slice(2);
const specs = given.some((argument) => /^(\.\/)?test\//.test(argument)) ? [] : ALL;
const strict = process.env.CI ? ["--forbid-only"] : [];
process.exitCode = await handOver(
  node,
  [join(ROOT, "node_modules/mocha/bin/mocha.js"), ...strict, ...given, ...specs],
  {
    cwd: ROOT,
    env: {
      ...process.env,
      PATH: [join(ROOT, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter),
      ...(reason === undefined ? {} : { DRAWBRIDGE_PACKAGES_SKIP_REASON: reason }),
    },
  },
);

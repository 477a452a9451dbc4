/**
 * `npm test [-- MOCHA ARGUMENTS]`: sets a fresh clone up, Debian packages included, then runs mocha with the project's
 * own Node. Arguments that begin with `test/` name the specs to run; without one all are run.
 */
import { join } from "node:path";

import { ensureDebianPackages } from "./setup/debian-packages.mjs";
import { ROOT } from "./setup/paths.mjs";
import { preparedNode, withProjectPrograms } from "./setup/prepared-node.mjs";
import { handOver } from "./setup/run.mjs";

const ALL = ["unit", "contract", "integration", "desktop", "packaging"].map((kind) => `test/${kind}/**/*.spec.ts`);

const node = await preparedNode();

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
      ...withProjectPrograms(),
      ...(reason === undefined ? {} : { DRAWBRIDGE_PACKAGES_SKIP_REASON: reason }),
    },
  },
);

/**
 * `npm run setup [-- --tests]`: makes a fresh clone ready. Runs on every Node from 18 on, before anything is installed.
 * `--tests` also installs the Debian packages that the tests and the demonstration need.
 */
import { ensureDependencies } from "./setup/dependencies.mjs";
import { ensureDebianPackages } from "./setup/debian-packages.mjs";

const KNOWN = new Set(["--tests"]);
const unknown = process.argv.slice(2).filter((argument) => !KNOWN.has(argument));
if (unknown.length > 0) {
  console.error(`setup does not know ${unknown.join(" ")}. It takes: --tests`);
  process.exit(2);
}

const code = await ensureDependencies();
if (code !== 0) process.exit(code);
if (!process.argv.includes("--tests")) {
  console.log("The dependencies are there.");
  process.exit(0);
}
const reason = await ensureDebianPackages("desktop", "peers");
if (reason !== undefined) {
  console.error(reason);
  process.exit(4);
}
console.log("The dependencies and the Debian packages are there.");

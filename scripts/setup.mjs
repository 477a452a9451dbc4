/**
 * `npm run setup [-- --desktop]`: makes a fresh clone ready. Runs on every Node from 18 on, before anything is installed.
 * `--desktop` also installs the Debian packages that the real-desktop tests and the demonstration need.
 */
import { ensureDependencies } from "./setup/dependencies.mjs";
import { ensureDesktopPackages } from "./setup/desktop-packages.mjs";

const KNOWN = new Set(["--desktop"]);
const unknown = process.argv.slice(2).filter((argument) => !KNOWN.has(argument));
if (unknown.length > 0) {
  console.error(`setup does not know ${unknown.join(" ")}. It takes: --desktop`);
  process.exit(2);
}

const code = await ensureDependencies();
if (code !== 0) process.exit(code);
if (!process.argv.includes("--desktop")) {
  console.log("The dependencies are there.");
  process.exit(0);
}
const reason = await ensureDesktopPackages();
if (reason !== undefined) {
  console.error(reason);
  process.exit(4);
}
console.log("The dependencies and the packages of a real desktop are there.");

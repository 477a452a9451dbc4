import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

import { run } from "./run.mjs";

/** By group: the packages, and the programs that each must bring. */
const GROUPS = JSON.parse(readFileSync(new URL("debian-packages.json", import.meta.url), "utf8"));
const APT_OPTIONS = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];

/**
 * Installs the Debian packages of these groups (`desktop`: a real desktop; `peers`: the programs that tests run ours
 * beside) where one is missing and apt-get and root (or sudo without a password) are there. Resolves to undefined when
 * all are there in the end, else to the reason, as a sentence.
 */
export async function ensureDebianPackages(...groups) {
  const missing = missingPackages(groups);
  if (missing.length === 0) return undefined;
  const names = missing.join(" ");
  if (process.platform !== "linux") return `Linux with the packages ${names} is needed.`;
  const elevate = elevation();
  if (elevate === undefined) return `These packages are missing: ${names}. Run: apt-get install ${names}`;
  console.log(`Installing Debian packages: ${names} …`);
  await aptGet(elevate, ["update", "-qq"]);
  await aptGet(elevate, ["install", "-y", "-qq", "--no-install-recommends", ...missing]);
  const left = missingPackages(groups).join(" ");
  return left === "" ? undefined : `These packages could not be installed: ${left}. apt-get's own words stand above.`;
}

function missingPackages(groups) {
  const packages = Object.assign({}, ...groups.map((group) => GROUPS[group]));
  const folders = ["/usr/bin", "/usr/sbin", ...(process.env.PATH ?? "").split(delimiter).filter(Boolean)];
  const isThere = (program) => folders.some((folder) => existsSync(join(folder, program)));
  return Object.keys(packages).filter((name) => !packages[name].every(isThere));
}

/** The words before `apt-get`: none for root, sudo's for those who need no password; undefined where neither works. */
function elevation() {
  if (spawnSync("apt-get", ["--version"]).status !== 0) return undefined;
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"]).status === 0 ? ["sudo", "-n"] : undefined;
}

async function aptGet(elevate, args) {
  const [command, ...rest] = [...elevate, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...APT_OPTIONS, ...args];
  // apt's standard output tells of every file; what goes wrong is on standard error.
  const { code } = await run(command, rest, { quiet: true });
  return code;
}

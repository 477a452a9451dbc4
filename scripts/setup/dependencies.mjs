import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";

import { withLock } from "./lock.mjs";
import { BUNDLED_NODE, ROOT } from "./paths.mjs";
import { run } from "./run.mjs";

const NODE_LINK = join(ROOT, "node_modules", ".bin", "node");
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/;

/** What npm's error output means, and what to do next; the first match counts. */
const REASONS = [
  [UNREACHABLE, 4, "the npm registry cannot be reached", "Check the network, and a proxy where one is needed."],
  [/ENOSPC/, 5, "the disk is full", "Make about 1 GB of room and try again."],
  [/EACCES|EPERM|EROFS/, 5, `${ROOT} cannot be written`, "Use a checkout that belongs to you."],
  [
    /EUSAGE|not in sync/,
    5,
    "package.json and package-lock.json disagree",
    "Run npm install, and commit the lock file.",
  ],
  [/EINTEGRITY/, 5, "a package is not the one of the lock file", "Run npm cache clean --force and try again."],
  [/E40[13]/, 4, "the npm registry asks for a login", "Check the registry in your npm settings."],
];

/**
 * Installs the dependencies with `npm ci`, unless node_modules already is what package-lock.json says. Says what it
 * does. Several at a time wait for each other. Resolves to 0, or to the exit code to end with.
 */
export async function ensureDependencies() {
  if (isReady()) return 0;
  return await withLock(async (hold) => {
    if (isInstalled()) return linkNode();
    console.log("Installing the dependencies (npm ci) …");
    const start = Date.now();
    const { code, errors } = await npmCi(hold);
    if (code === 0) {
      console.log(`The dependencies are installed (${((Date.now() - start) / 1000).toFixed(1)} s).`);
      return linkNode();
    }
    return explain(code, errors);
  });
}

const isReady = () => isInstalled() && existsSync(NODE_LINK) === existsSync(BUNDLED_NODE);

/** npm before 11 leaves out the link that puts the bundled Node first on the PATH of npm's scripts. */
function linkNode() {
  if (existsSync(BUNDLED_NODE) && !existsSync(NODE_LINK)) {
    symlinkSync(relative(dirname(NODE_LINK), BUNDLED_NODE), NODE_LINK);
  }
  return 0;
}

/**
 * Whether node_modules holds the packages of package-lock.json. npm itself keeps the list: `npm ci` removes
 * node_modules/.package-lock.json first and writes it last, so that a broken installation has none.
 */
function isInstalled() {
  try {
    const wanted = readPackages("package-lock.json");
    const present = readPackages("node_modules/.package-lock.json");
    return Object.entries(wanted).every(([path, entry]) => {
      if (!path.includes("node_modules/")) return sameManifest(path, entry);
      const installed = present[path];
      // Packages for other platforms are optional and stay away.
      if (!installed) return entry.optional === true;
      const isSame = installed.version === entry.version && installed.integrity === entry.integrity;
      return isSame && existsSync(join(ROOT, path));
    });
  } catch {
    return false;
  }
}

/** Whether a package.json of ours still asks for what the lock file was made for. */
function sameManifest(path, entry) {
  const manifest = JSON.parse(readFileSync(join(ROOT, path, "package.json"), "utf8"));
  return ["dependencies", "devDependencies", "optionalDependencies"].every(
    (kind) => JSON.stringify(manifest[kind] ?? {}) === JSON.stringify(entry[kind] ?? {}),
  );
}

function readPackages(file) {
  return JSON.parse(readFileSync(join(ROOT, file), "utf8")).packages;
}

function npmCi(onStart) {
  // npm before 11 takes the linter's optional peer @typescript/native for a part of the lock file that is missing.
  const peers = "--legacy-peer-deps";
  const args = ["ci", peers, "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  // `npm ci` deletes the bundled Node, so npm has to run on another one: not on what `npm run` put first on PATH.
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.startsWith(ROOT));
  const options = { cwd: ROOT, env: { ...process.env, PATH: path.join(delimiter) }, onStart };
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (npm && node && !node.startsWith(ROOT)) return run(node, [npm, ...args], options);
  // On Windows npm is a batch file.
  return run("npm", args, { ...options, shell: process.platform === "win32" });
}

function explain(code, errors) {
  if (code > 128) return code;
  const [, exitCode, reason, remedy] = REASONS.find(([pattern]) => pattern.test(errors)) ?? [
    undefined,
    5,
    code === 127 ? "npm is not there" : `npm ended with code ${code}`,
    code === 127 ? "Install Node together with npm." : "npm's own words stand above.",
  ];
  console.error(`The dependencies could not be installed: ${reason}. ${remedy}`);
  return exitCode;
}

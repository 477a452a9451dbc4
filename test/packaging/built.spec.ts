import { execFile } from "node:child_process";
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { findProgram } from "../../scripts/demo/desktop/programs.ts";
import { builtPackages, installOrSkip } from "./packages.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD = join(ROOT, "build");
/** Downloading and unpacking other people's packages takes a while. */
const INSTALL_MS = 240_000;
const SUITE_MS = 180_000;

/** The specs of the main job: homes, sessions, bytes both ways. */
const MAIN_JOB = ["test/integration/cli/data.spec.ts"];

/**
 * Node 24 does not tell a close_notify from the end of the connection when it comes in one piece with data: what the
 * target has ended arrives as cut off there. docs/DEPLOYMENT.md says so.
 */
const NOT_ON_NODE_24 = ["--grep", "after its half-close|closes at once", "--invert"];

/** Runs specs against another executable, in a mocha of its own. */
async function suite(executable: readonly string[], mochaArguments: readonly string[]): Promise<void> {
  const mocha = join(ROOT, "node_modules/mocha/bin/mocha.js");
  const env = { ...process.env, DRAWBRIDGE_EXECUTABLE: JSON.stringify(executable) };
  try {
    await run(process.execPath, [mocha, ...mochaArguments], { cwd: ROOT, env, timeout: SUITE_MS });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    throw new Error(`the specs failed with ${executable.join(" ")}:\n${stdout.slice(-8_000)}${stderr.slice(-2_000)}`, {
      cause,
    });
  }
}

describe("what is built", () => {
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create("built");
  });
  after(() => folder[Symbol.asyncDispose]());

  it("as one executable does the main job where no sources and no Node are", async function () {
    this.timeout(SUITE_MS);
    await run(process.execPath, [join(ROOT, "scripts/build/binary.ts")], { cwd: ROOT });
    const executable = folder.file("drawbridge");
    await cp(join(BUILD, "drawbridge"), executable);
    const desktop = findProgram("xfreerdp") === undefined ? [] : ["test/desktop/one-logon.spec.ts"];
    await suite([executable], [...MAIN_JOB, ...desktop]);
  });

  describe("as packages", () => {
    const prefix = (): string => folder.file("prefix");
    const drawbridge = (): string => join(prefix(), "bin", "drawbridge");

    before(async function () {
      this.timeout(INSTALL_MS);
      const [executable = ""] = await builtPackages("console-cli");
      await installOrSkip(this, ["--global", "--prefix", prefix(), executable], folder.path);
    });

    it("does the main job, installed globally", async function () {
      this.timeout(SUITE_MS);
      await suite([process.execPath, drawbridge()], MAIN_JOB);
    });

    it("does the main job on Node 24, but for ends that come from the target", async function () {
      if (process.platform !== "linux") return this.skip();
      this.timeout(INSTALL_MS + SUITE_MS);
      const node = `node-linux-${process.arch}`;
      await installOrSkip(this, ["--prefix", folder.path, "--no-save", `${node}@24.21.0`], folder.path);
      const node24 = join(folder.path, "node_modules", node, "bin", "node");
      expect((await run(node24, ["--version"])).stdout).to.match(/^v24\./);
      await suite([node24, drawbridge()], [...MAIN_JOB, ...NOT_ON_NODE_24]);
    });

    it("has no development dependencies and no sources", async () => {
      const installed = join(prefix(), "lib/node_modules/@drawbridge/console-cli");
      expect((await readdir(installed)).toSorted()).to.deep.equal([
        "LICENSE",
        "README.md",
        "bin",
        "dist",
        "node_modules",
        "package.json",
      ]);
      expect(await readdir(join(installed, "node_modules"))).not.to.include.members(["mocha", "typescript", "eslint"]);
    });
  });
});

import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { TemporaryFolder } from "../../scripts/demo/temporary-folder.ts";
import { findProgram } from "../../scripts/demo/desktop/programs.ts";
import { builtPackages, documentLinks, installOrSkip } from "./packages.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD = join(ROOT, "build");
/** Downloading and unpacking other people's packages takes a while. */
const INSTALL_MS = 240_000;
const SUITE_MS = 180_000;

/** The specs of the main job: homes, sessions, bytes both ways, and the processes that it starts of itself. */
const MAIN_JOB = ["test/integration/cli/data.spec.ts", "test/integration/cli/workers.spec.ts"];

/** The specs of ends and cuts: they use what Node does not document, so an older Node runs them itself. */
const ENDS_AND_CUTS = [
  "test/integration/dataplane/early-ends.spec.ts",
  "test/integration/dataplane/end-to-end-tls.spec.ts",
  "test/integration/dataplane/ends-over-legs.spec.ts",
  "test/integration/security/hostile-cloud.spec.ts",
];

/** The specs of what the program imports late, or starts itself for. */
const LOADED_LATE = [
  "test/integration/watching/metrics.spec.ts",
  "test/integration/watching/traces.spec.ts",
  "test/integration/cli/completion.spec.ts",
];

/** Where a service definition says what is started. */
const STARTS: Readonly<Record<string, RegExp>> = {
  systemd: /^ExecStart=:(.*)$/m,
  launchd: /<array>([^]*?)<\/array>/,
  windows: /(<executable>[^]*<\/argument>)/,
};

/** Runs specs in a mocha of its own. */
async function suite(node: string, specs: readonly string[], executable?: readonly string[]): Promise<void> {
  const mocha = join(ROOT, "node_modules/mocha/bin/mocha.js");
  const env = { ...process.env, ...(executable && { DRAWBRIDGE_EXECUTABLE: JSON.stringify(executable) }) };
  try {
    await run(node, [mocha, ...specs], { cwd: ROOT, env, timeout: SUITE_MS });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    const what = executable?.join(" ") ?? node;
    throw new Error(`the specs failed with ${what}:\n${stdout.slice(-8_000)}${stderr.slice(-2_000)}`, { cause });
  }
}

describe("what is built", () => {
  let folder: TemporaryFolder;

  before(async () => {
    folder = await TemporaryFolder.create("built");
  });
  after(() => folder[Symbol.asyncDispose]());

  describe("as one executable, where no sources and no Node are", () => {
    const bin = (): string => folder.file("bin");
    const executable = (): string => join(bin(), "drawbridge");
    /** Found as in a shell, by its name alone. */
    const found = (args: readonly string[]) =>
      run("drawbridge", args, { cwd: folder.path, env: { HOME: folder.path, PATH: `${bin()}:/usr/bin:/bin` } });

    before(async function () {
      this.timeout(SUITE_MS);
      await run(process.execPath, [join(ROOT, "scripts/build/binary.ts")], { cwd: ROOT });
      await mkdir(bin());
      await cp(join(BUILD, "drawbridge"), executable());
    });

    it("does the main job", async function () {
      this.timeout(2 * SUITE_MS);
      await suite(process.execPath, MAIN_JOB, [executable()]);
      if (findProgram("xfreerdp") === undefined) return;
      await suite(process.execPath, ["test/desktop/one-logon.spec.ts"], [executable()]);
    });

    it("has what is loaded only when it is asked for: metrics, traces, completion that asks in the background", async function () {
      this.timeout(LOADED_LATE.length * SUITE_MS);
      for (const spec of LOADED_LATE) await suite(process.execPath, [spec], [executable()]);
    });

    for (const platform of ["systemd", "launchd", "windows"]) {
      it(`is what its own service definition starts, under ${platform}`, async () => {
        const args = ["install-service", "--print", "--platform", platform, "--json"];
        const gateway = await found(["gateway", ...args, "--listen", ":4443", "--cloud", "10.0.0.5:8443"]);
        const { content, start } = JSON.parse(gateway.stdout) as { content: string; start: string[] };
        const [, started = ""] = STARTS[platform]?.exec(content) ?? [];
        expect(started.replaceAll(/<[^>]+>/g, " ").trim()).to.match(/^\S+\/bin\/drawbridge\s+gateway\s+run\s+--listen/);
        expect(start.join("\n")).not.to.contain("node");
      });
    }
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
      await suite(process.execPath, MAIN_JOB, [process.execPath, drawbridge()]);
    });

    it("does the main job on Node 24, where an end arrives as an end and a cut as a cut", async function () {
      if (process.platform !== "linux") return this.skip();
      this.timeout(INSTALL_MS + 2 * SUITE_MS);
      const node = `node-linux-${process.arch}`;
      await installOrSkip(this, ["--prefix", folder.path, "--no-save", `${node}@24.21.0`], folder.path);
      const node24 = join(folder.path, "node_modules", node, "bin", "node");
      expect((await run(node24, ["--version"])).stdout).to.match(/^v24\./);
      await suite(process.execPath, MAIN_JOB, [node24, drawbridge()]);
      await suite(node24, ENDS_AND_CUTS);
    });

    it("has no development dependencies and no sources", async () => {
      const installed = join(prefix(), "lib/node_modules/@drawbridge/console-cli");
      expect((await readdir(installed)).toSorted()).to.deep.equal([
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "bin",
        "deploy",
        "dist",
        "docs",
        "examples",
        "node_modules",
        "package.json",
      ]);
      const development = ["mocha", "typescript", "eslint"];
      const others = await readdir(join(installed, "node_modules"));
      expect(others.filter((name) => development.includes(name))).to.deep.equal([]);
    });

    it("brings every document that its documents lead to, and names no place of the machine that built it", async () => {
      const installed = join(prefix(), "lib/node_modules/@drawbridge/console-cli");
      const links = await documentLinks(installed);
      expect(links.filter(({ isThere }) => !isThere)).to.deep.equal([]);
      expect(links.length).to.be.above(40);
      for (const file of ["package.json", "dist/main.js", "README.md"]) {
        expect(await readFile(join(installed, file), "utf8")).not.to.contain(ROOT);
      }
    });
  });
});

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { Linter } from "eslint";

const bin = fileURLToPath(new URL("../../../packages/console-cli/bin/drawbridge.js", import.meta.url));

describe("bin/drawbridge.js", () => {
  let root: string;
  let copy: string;
  let old: string[];

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), "drawbridge-bin-"));
    const cli = path.join(root, "packages", "console-cli");
    await mkdir(path.join(cli, "bin"), { recursive: true });
    await mkdir(path.join(cli, "src"));
    copy = path.join(cli, "bin", "drawbridge.js");
    await copyFile(bin, copy);
    await writeFile(path.join(cli, "package.json"), '{"type":"module"}');
    // A stand-in for the program: says how it was started, then ends as its first argument tells it to.
    await writeFile(
      path.join(cli, "src", "main.ts"),
      `const [how, ...rest]: string[] = process.argv.slice(2);
       process.on("SIGINT", () => process.exit(42));
       if (how === "wait") setInterval(() => {}, 1_000);
       console.log(JSON.stringify({ rest, bundled: process.env["BUNDLED"] ?? "" }));
       if (how === "signal") process.kill(process.pid, "SIGTERM");
       if (how === "exit") process.exitCode = 3;`,
    );
    const preload = path.join(root, "old-node.cjs");
    await writeFile(
      preload,
      `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });`,
    );
    old = ["--require", preload, copy];
  });
  after(() => rm(root, { recursive: true }));

  async function bundle(): Promise<void> {
    const folder = path.join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin");
    await mkdir(folder, { recursive: true });
    const node = path.join(folder, "node");
    await writeFile(node, `#!/bin/sh\nBUNDLED=yes exec "${process.execPath}" "$@"\n`);
    await chmod(node, 0o755);
  }

  const run = (args: string[]): Promise<{ code: unknown; signal: unknown; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
      );
    });

  it("parses on Node 14", async () => {
    const code = await readFile(bin, "utf8");
    const options = { languageOptions: { ecmaVersion: 2020, sourceType: "module" } } as const;
    expect(new Linter().verify(code, options)).to.deep.equal([]);
    expect(code).not.to.match(/from "node:/);
  });

  it("runs the program itself on a Node that is new enough", async () => {
    const { code, stdout } = await run([copy, "exit", "a b"]);
    expect({ code, stdout }).to.deep.equal({ code: 3, stdout: '{"rest":["a b"],"bundled":""}\n' });
  });

  it("says which Node is needed where the Node is old and none was brought along", async () => {
    const { code, stdout, stderr } = await run([...old, "exit"]);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    expect(stderr).to.match(/Node 20\.20\.2 is too old: Drawbridge needs Node 24 or later/);
  });

  it("runs itself again with the bundled Node, and passes on arguments, exit code and signal", async function () {
    if (process.platform === "win32") this.skip();
    await bundle();
    const exit = await run([...old, "exit", "a b"]);
    expect(exit).to.deep.include({ code: 3, stdout: '{"rest":["a b"],"bundled":"yes"}\n' });
    expect(await run([...old, "signal"])).to.deep.include({ code: null, signal: "SIGTERM" });
  });

  it("forwards the signals that it gets", async function () {
    if (process.platform === "win32") this.skip();
    await bundle();
    const child = spawn(process.execPath, [...old, "wait"], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await once(child, "close")).to.deep.equal([42, null]);
  });
});

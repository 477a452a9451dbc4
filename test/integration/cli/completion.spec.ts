import { execFile } from "node:child_process";
import { chmod, rm, writeFile } from "node:fs/promises";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { type Chain, startChain, stopChain } from "../../support/chain.ts";
import { expectCli } from "../../support/cli.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { Terminal } from "../../support/terminal.ts";
import { TargetServer } from "./target-server.ts";

const run = promisify(execFile);
const BIN = fileURLToPath(new URL("../../../packages/console-cli/bin/drawbridge.js", import.meta.url));

describe("completion in a shell", function () {
  this.timeout(90_000);
  let chain: Chain;
  let target: TargetServer;
  let folder: TemporaryFolder;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = await TemporaryFolder.create("completion");
    target = await TargetServer.start((socket) => socket.end());
    chain = await startChain([target.named("rdp"), target.named("ssh")]);
    // What people have on their PATH.
    const shim = folder.file("drawbridge");
    await writeFile(shim, `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
    await chmod(shim, 0o755);
    env = {
      ...process.env,
      PATH: `${folder.path}${delimiter}${process.env["PATH"] ?? ""}`,
      DRAWBRIDGE_HOME: chain.operatorHome,
    };
    await expectCli(["tenants"], { home: chain.operatorHome });
  });
  after(async () => {
    await stopChain(chain);
    await target[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function script(shell: string): Promise<string> {
    const { stdout } = await expectCli(["completion", shell], { home: chain.operatorHome });
    const file = folder.file(`_drawbridge.${shell}`);
    await writeFile(file, `${stdout}\n`);
    return file;
  }

  const cases: [string, readonly string[], readonly string[]][] = [
    ["commands", ["con"], ["config", "connect"]],
    ["subcommands", ["cloud", "inv"], ["invite"]],
    ["tenants", ["connect", ""], ["acme"]],
    ["a tenant's targets", ["connect", "acme", "--target", ""], ["rdp", "ssh"]],
    ["options", ["connect", "--full"], ["--full-screen"]],
    ["an option's choices", ["tenants", "--state", ""], ["offline", "online"]],
  ];

  describe("bash", () => {
    const complete = async (words: readonly string[], given = env): Promise<{ words: string[]; stderr: string }> => {
      const ask = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _drawbridge; echo "${COMPREPLY[@]}"';
      const args = ["--norc", "-c", ask, "bash", await script("bash"), "drawbridge", ...words];
      const { stdout, stderr } = await run("bash", args, { env: given });
      return { words: stdout.trim().split(" ").filter(Boolean).toSorted(), stderr };
    };

    for (const [what, words, expected] of cases) {
      it(`completes ${what}`, async () => {
        expect(await complete(words)).to.deep.equal({ words: expected, stderr: "" });
      });
    }

    it("proposes nothing behind --, and prints no error where nobody has enrolled", async () => {
      expect((await complete(["connect", "acme", "--", ""])).words).to.deep.equal([]);
      const nobody = { ...env, DRAWBRIDGE_HOME: folder.file("nobody") };
      expect(await complete(["connect", ""], nobody)).to.deep.equal({ words: [], stderr: "" });
    });
  });

  peerSuite("fish", ["fish"], () => {
    for (const [what, words, expected] of cases) {
      it(`completes ${what}`, async () => {
        const ask = `source ${await script("fish")}; complete -C 'drawbridge ${words.join(" ")}'`;
        const { stdout, stderr } = await run("fish", ["--no-config", "-c", ask], { env });
        const proposed = stdout.split("\n").map((line) => line.split("\t")[0] ?? "");
        expect(proposed.filter(Boolean).toSorted()).to.deep.equal(expected);
        expect(stderr).to.equal("");
      });
    }
  });

  peerSuite("zsh", ["zsh"], () => {
    it("completes commands, tenants and options where people type", async () => {
      const file = await script("zsh");
      await using terminal = new Terminal(["zsh", "-f", "-i"], { env });
      terminal.type(`autoload -U compinit; compinit -u -D; source ${file}; echo rea""dy\r`);
      await terminal.shows(/ready/);
      terminal.type("drawbridge con\t");
      await terminal.shows(/connect\s+-- open a session|config\s+-- show/);
      terminal.type("nect ac\t--full\t");
      await terminal.shows(/connect acme[^a-z]*--full-screen/);
      terminal.type("\u0015exit\r");
      expect(await terminal.exited()).to.equal(0);
    });
  });

  it("asks the provider itself the first time, and needs no server afterwards", async () => {
    await rm(`${chain.operatorHome}/operator/tenants.cache`);
    const ask = async (): Promise<string> => (await run("drawbridge", ["__complete", "tenants"], { env })).stdout;
    // The first answer may come too late for the first TAB on a machine with much else to do.
    for (let tries = 0; (await ask()) !== "acme\n"; tries += 1) expect(tries).to.be.below(20);
    const front = { ...env, HTTPS_PROXY: "http://127.0.0.1:9" };
    expect((await run("drawbridge", ["__complete", "tenants"], { env: front })).stdout).to.equal("acme\n");
  });
});

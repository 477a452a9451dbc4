import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { expectCli, startCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "../cli/target-server.ts";
import { blocks, readDocument, section } from "./documents.ts";
import type { Block } from "./documents.ts";
import { drawbridgeArguments, shellCommands } from "./shell-line.ts";

/** What the README calls them; here two machines are two homes, and the operator works on the provider's server. */
const MACHINES = new Map([
  ["The provider's server", "provider"],
  ["The tenant's machine", "tenant"],
  ["The operator's machine", "provider"],
]);

/** An RDP client, as far as it matters: one connection, some bytes there and back. */
const CLIENT = `import { connect } from "node:net";
const socket = connect(Number(process.argv[3]), process.argv[2], () => socket.end("client"));
let text = "";
socket.on("data", (bytes) => (text += bytes)).on("end", () => (process.exitCode = text === "client" ? 0 : 1));`;

/** A command of the README, and where it is to be typed. */
interface Step {
  readonly words: readonly string[];
  readonly machine: string;
  readonly stays: boolean;
}

/** The README's deployment, line by line, with addresses that exist on this machine. */
class Deployment implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #service: string;
  readonly #target: TargetServer;
  readonly #running: DrawbridgeProcess[] = [];
  readonly #codes: string[] = [];

  static async create(): Promise<Deployment> {
    const folder = await TemporaryFolder.create("five-minutes");
    await writeFile(folder.file("client.mjs"), CLIENT);
    const target = await TargetServer.start((socket) => socket.pipe(socket));
    return new Deployment(folder, `127.0.0.1:${await freePort()}`, target);
  }

  private constructor(folder: TemporaryFolder, service: string, target: TargetServer) {
    this.#folder = folder;
    this.#service = service;
    this.#target = target;
  }

  /** Runs a step to its end, or until it works and stays. Resolves to what it printed. */
  async run({ words, machine, stays }: Step): Promise<string> {
    const args = [...words.map((word) => this.#localWord(word)), ...this.#localOptions(words)];
    const options = { home: this.#folder.file(machine) };
    if (!stays) {
      const { stdout } = await expectCli(args, options);
      if (words[1] === "invite") this.#codes.push(stdout.trim());
      return stdout;
    }
    const process = await startCli([...args, "--json"], options);
    this.#running.push(process);
    const event = await process.waitForEvent(words[0] === "connect" ? "listening" : "ready");
    return JSON.stringify(event);
  }

  /** Ends what stays, the newest first, and asserts that all of it ended well. */
  async stop(): Promise<void> {
    for (const process of this.#running.splice(0).toReversed()) await stopCli(process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#running) await process.stop();
    await this.#target[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }

  #localWord(word: string): string {
    if (word === "CODE") return this.#codes.shift() ?? "there is no code";
    if (word === "rdp=127.0.0.1:3389") return this.#target.named("rdp");
    return word.replace("cloud.example:8443", this.#service);
  }

  /** What a machine of one's own needs no option for: a free port, and a client without a screen. */
  #localOptions(words: readonly string[]): string[] {
    if (words[0] === "cloud" && words[1] === "run") return ["--listen", this.#service, "--drain", "0s"];
    if (words[0] !== "connect") return [];
    const listen = ["--listen", "127.0.0.1:0"];
    if (words.includes("--client")) return listen;
    const client = `${process.execPath} ${this.#folder.file("client.mjs")} {host} {port}`;
    return [...listen, "--no-check", "--client", client];
  }
}

function stepsOf(block: Block): Step[] {
  const machine = MACHINES.get(block.label);
  if (machine === undefined) return [];
  return shellCommands(block.text).map(({ words, comment }) => {
    const args = drawbridgeArguments(words);
    if (args === undefined) throw new Error(`the README's ${words.join(" ")} is not drawbridge`);
    return { words: args, machine, stays: /\bstays?\b/.test(comment) };
  });
}

describe("the README's five minutes", function () {
  this.timeout(90_000);

  it("end with a session, when its lines are typed as they are", async () => {
    const { text } = await readDocument("README.md");
    const steps = blocks(section(text, "Five minutes to a real session"), "sh").flatMap(stepsOf);
    expect(steps.map(({ words }) => words.slice(0, 2).join(" "))).to.deep.equal([
      "cloud init",
      "cloud run",
      "cloud invite",
      "cloud invite",
      "tenant enroll",
      "tenant run",
      "operator enroll",
      "tenants",
      "connect acme",
      "connect acme",
    ]);
    await using deployment = await Deployment.create();
    const said: string[] = [];
    for (const step of steps) said.push(await deployment.run(step));
    expect(said[7]).to.match(/acme.*online/);
    const { address } = JSON.parse(said[9]!) as { address: string };
    const socket = await dialLoopback(Number(address.slice(address.lastIndexOf(":") + 1)));
    socket.end("over the bridge");
    expect((await readAll(socket)).toString()).to.equal("over the bridge");
    if (!socket.closed) await once(socket.destroy(), "close");
    await deployment.stop();
  });
});

import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import type { DrawbridgeProcess, DrawbridgeResult } from "../../support/cli.ts";
import { expectCli, expectCleanExit, runCli, startCli } from "../../support/cli.ts";
import { dialLoopback, readBytes } from "../../support/dataplane-sockets.ts";
import { receiveBulk, sendBulk } from "../cli/bulk.ts";
import { TargetServer } from "../cli/target-server.ts";

const LOUD = ["--log-level", "debug", "--log-format", "json", "--verbose"];
const STOP_GRACE_MS = 20_000;

/** Variables that would lead a command elsewhere; whoever runs the tests may have them. */
const NO_PROXIES = Object.fromEntries(
  ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"].map((name) => [name, ""]),
);

/** A provider on this machine, and the commands of everybody, each with the network that a test gives it. */
export class NetworkBench implements AsyncDisposable {
  /** All that commands have printed: results, logs at the finest level, errors. */
  readonly outputs: string[] = [];
  /** Where the cloud redirector listens. */
  readonly address: string;
  readonly #home: string;
  readonly #target: TargetServer;
  readonly #processes: DrawbridgeProcess[] = [];
  readonly #resources: AsyncDisposableStack;

  /** @param host where the cloud redirector listens, as in an address. */
  static async start(host = "127.0.0.1"): Promise<NetworkBench> {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(await TemporaryFolder.create("network"));
    const target = resources.use(await TargetServer.start((socket) => socket.pipe(socket)));
    const address = `${host}:${await freePort()}`;
    const bench = new NetworkBench(address, folder.file("home"), target, resources.move());
    await bench.run(["cloud", "init", "--public-address", address]);
    await bench.start(["cloud", "run", "--listen", address], "ready");
    return bench;
  }

  private constructor(address: string, home: string, target: TargetServer, resources: AsyncDisposableStack) {
    this.address = address;
    this.#home = home;
    this.#target = target;
    this.#resources = resources;
  }

  get port(): number {
    return Number(this.address.slice(this.address.lastIndexOf(":") + 1));
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}, input?: string, code = 0): Promise<DrawbridgeResult> {
    const options = { home: this.#home, env: { ...NO_PROXIES, ...env }, ...(input === undefined ? {} : { input }) };
    const result = await runCli([...args, "--json", ...LOUD], options);
    this.outputs.push(result.stdout, result.tail);
    expect(result.code, result.tail).to.equal(code);
    return result;
  }

  /** Starts a command and waits for its first event. */
  async start(args: readonly string[], event: string, env: NodeJS.ProcessEnv = {}): Promise<DrawbridgeProcess> {
    const process = await startCli([...args, "--json", ...LOUD], { home: this.#home, env: { ...NO_PROXIES, ...env } });
    this.#processes.push(this.#resources.use(process));
    await process.waitForEvent(event);
    return process;
  }

  /** An invite code. */
  async invite(kind: "tenant" | "operator", name: string): Promise<string> {
    const { events } = await expectCli(["cloud", "invite", kind, name, "--json"], { home: this.#home });
    return `${String(events[0]?.["code"])}\n`;
  }

  /** Enrols a tenant whose one target echoes. */
  async enrollTenant(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const enroll = ["tenant", "enroll", "-", "--replace", "--target", this.#target.named("rdp"), ...args];
    await this.run(enroll, env, await this.invite("tenant", name));
  }

  async enrollOperator(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.run(["operator", "enroll", "-", "--replace", ...args], env, await this.invite("operator", name));
  }

  /** Lets a home dial something that stands before the cloud redirector. */
  async readdress(role: "tenant" | "operator", address: string): Promise<void> {
    const file = join(this.#home, role, "identity.json");
    const identity = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...identity, addresses: [address] }));
  }

  /** Opens a session without client. */
  connect(tenant: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<DrawbridgeProcess> {
    return this.start(["connect", tenant, "--client", "none", "--listen", "127.0.0.1:0", ...args], "listening", env);
  }

  /** Sends bytes through a session's new link and expects them back, half-closes included. */
  async exchange(session: DrawbridgeProcess, bytes = 2_000_000): Promise<void> {
    const { port } = await session.waitForEvent("listening");
    const socket = await dialLoopback(Number(port));
    const [hash, echo] = await Promise.all([sendBulk(socket, 7, bytes), receiveBulk(socket)]);
    expect(echo).to.deep.equal({ bytes, hash });
    socket.destroy();
  }

  /** As {@link exchange}, and closes the connection only when all is back. */
  async echo(session: DrawbridgeProcess, bytes = 2_000_000): Promise<void> {
    const { port } = await session.waitForEvent("listening");
    const socket = await dialLoopback(Number(port));
    const sent = randomBytes(bytes);
    socket.write(sent);
    const back = await readBytes(socket, bytes);
    expect(back.equals(sent), "the same bytes came back").to.equal(true);
    socket.destroy();
    await session.waitForEvent("link-closed");
  }

  /** Ends a command, and asserts that it did so in good order. */
  async stop(process: DrawbridgeProcess): Promise<void> {
    await process.stop(STOP_GRACE_MS);
    this.outputs.push(process.lines.join("\n"), process.child.tail());
    expectCleanExit(process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes.toReversed()) if (process.child.exit === undefined) await this.stop(process);
    await this.#resources.disposeAsync();
  }
}

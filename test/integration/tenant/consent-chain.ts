import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";

import { startChain, stopChain } from "../../support/chain.ts";
import type { Chain } from "../../support/chain.ts";
import { expectCli } from "../../support/cli.ts";
import type { DrawbridgeEvent, DrawbridgeProcess } from "../../support/cli.ts";
import { LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";

export const ALLOW = "rules:\n  - decision: allow\n";
export const ASK = "rules:\n  - decision: ask\n";
export const DENY = "rules: []\n";

/** A chain whose tenant's policy a test writes, with a target that answers. */
export class ConsentChain {
  readonly chain: Chain;
  readonly target: LoopbackServer;

  private constructor(chain: Chain, target: LoopbackServer) {
    this.chain = chain;
    this.target = target;
  }

  static async start(): Promise<ConsentChain> {
    const target = await LoopbackServer.start();
    return new ConsentChain(await startChain([`rdp=127.0.0.1:${target.address.port}`]), target);
  }

  async stop(): Promise<void> {
    await stopChain(this.chain);
    this.target.close();
  }

  /** The folder of the tenant's files. */
  get home(): string {
    return join(this.chain.tenantHome, "tenant");
  }

  /** Writes the policy file, without a word to the tenant redirector. */
  async writePolicy(text: string): Promise<void> {
    await writeFile(join(this.home, "policy.yaml"), text);
  }

  /** Puts a policy in force. */
  async policy(text: string): Promise<void> {
    await this.writePolicy(text);
    await this.tenant(["reload"]);
  }

  /** Runs a `drawbridge tenant` command to its end and returns what it printed. */
  async tenant(args: readonly string[], exitCode = 0): Promise<readonly DrawbridgeEvent[]> {
    const command = ["tenant", ...args, "--home", this.chain.tenantHome, "--json"];
    return (await expectCli(command, { home: this.chain.tenantHome }, exitCode)).events;
  }

  /** An operator that asks for a session; ended by the caller. */
  connect(args: readonly string[] = []): Promise<DrawbridgeProcess> {
    return this.chain.connect(["--client", "none", ...args]);
  }

  /** Resolves to the id of the session that waits for consent. */
  async pendingId(): Promise<string> {
    const { tenant } = this.chain;
    const known = new Set(this.#asked);
    const { session } = await tenant.waitForEvent("consent-asked", { where: (event) => !known.has(event["session"]) });
    this.#asked.add(session);
    return String(session);
  }

  /** Sends SIGHUP to the tenant redirector. */
  async hangUp(): Promise<void> {
    const [status] = await this.tenant(["status"]);
    const pid = Number(status?.["pid"]);
    if (pid !== this.chain.tenant.child.pid) throw new Error("the status tells another process id");
    process.kill(pid, "SIGHUP");
  }

  /** Both ends of a link that has carried a byte. */
  async link(operator: DrawbridgeProcess): Promise<{ client: Socket; service: Socket }> {
    const { host, port } = await operator.waitForEvent("listening");
    const client = connect({ host: String(host), port: Number(port), allowHalfOpen: true });
    await once(client, "connect");
    client.on("error", () => {});
    client.write("x");
    const service = await this.target.next();
    await readBytes(service, 1);
    return { client, service };
  }

  readonly #asked = new Set<unknown>();
}

import { readFile, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { until } from "../../../scripts/demo/until.ts";
import type { DrawbridgeProcess } from "../../support/cli.ts";
import { startCli } from "../../support/cli.ts";
import { dialLoopback, readBytes } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "../cli/target-server.ts";
import { Provider } from "./provider.ts";

/** A session and a link through it, which has carried a byte. */
export interface OpenLink {
  readonly session: DrawbridgeProcess;
  readonly link: Socket;
}

/** A provider behind two gateways, the first of them preferred, a tenant with an echo, and an operator: real processes. */
export class GatewayPair implements AsyncDisposable {
  readonly provider: Provider;
  /** `127.0.0.1:PORT` of each gateway. Both are on one address: the cloud redirector cannot tell them apart by it. */
  readonly addresses: readonly string[];
  readonly gateways: DrawbridgeProcess[] = [];
  readonly #target: TargetServer;
  readonly #processes: DrawbridgeProcess[] = [];
  #tenant: DrawbridgeProcess | undefined;

  private constructor(provider: Provider, addresses: readonly string[], target: TargetServer) {
    [this.provider, this.addresses, this.#target] = [provider, addresses, target];
  }

  static async start(): Promise<GatewayPair> {
    const target = await TargetServer.start((socket) => socket.pipe(socket));
    const addresses = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const provider = await Provider.init(() => addresses.map((address, index) => `${index} 1 ${address}`));
    const pair = new GatewayPair(provider, addresses, target);
    await pair.#trustGateways();
    await provider.run();
    for (const index of [0, 1]) await pair.startGateway(index);
    await provider.enrolOperator("admin");
    await provider.enrolTenant(target.named("rdp"));
    pair.#tenant = await provider.runTenant();
    return pair;
  }

  get tenant(): DrawbridgeProcess {
    if (this.#tenant === undefined) throw new Error("the tenant redirector does not run");
    return this.#tenant;
  }

  /** Where the tenant's control connection is, as its events tell. */
  get tenantAt(): unknown {
    return this.tenant.events.findLast(({ gateway, event }) => gateway !== undefined && event !== "disconnected")?.[
      "gateway"
    ];
  }

  /** Starts a gateway, in the place of the one that was there. */
  async startGateway(index: number): Promise<void> {
    const address = this.addresses[index] ?? "";
    const args = ["gateway", "run", "--listen", address, "--cloud", this.provider.address, "--json"];
    const gateway = await startCli(args, { home: this.provider.home, name: `gateway ${address}` });
    this.gateways[index] = gateway;
    await gateway.waitForEvent("ready");
  }

  /** A command of the operator's that goes on; ends with the pair. */
  async operator(args: readonly string[]): Promise<DrawbridgeProcess> {
    const process = await startCli([...args, "--json"], { home: this.provider.home });
    this.#processes.push(process);
    return process;
  }

  async openLink(): Promise<OpenLink> {
    const session = await this.operator(["connect", "acme", "--client", "none", "--listen", "127.0.0.1:0"]);
    const { port } = await session.waitForEvent("listening", { timeoutMs: 10_000 });
    const link = await dialLoopback(Number(port));
    link.write("x");
    await readBytes(link, 1);
    return { session, link };
  }

  /** As an operator would: again and again until it works. */
  openSoon(): Promise<OpenLink> {
    const open = (): Promise<OpenLink | undefined> => this.openLink().catch(() => undefined);
    return until(open, { what: "a session that works", timeoutMs: 60_000, intervalMs: 10 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [...this.#processes, this.tenant]) await process.stop();
    await this.provider[Symbol.asyncDispose]();
    // They would wait for connections that are gone.
    for (const gateway of this.gateways) gateway.child.signal("SIGKILL");
    await Promise.all(this.gateways.map((gateway) => gateway.child.exited));
    await this.#target[Symbol.asyncDispose]();
  }

  async #trustGateways(): Promise<void> {
    const file = join(this.provider.folder("cloud"), "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, trustedGateways: ["127.0.0.1"] }));
  }
}

import { expect } from "chai";
import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { until } from "../../../scripts/demo/until.ts";
import { type Chain, openSession, startChain, stopChain } from "../../support/chain.ts";
import { CheckedLink, type CheckedFlowOptions } from "../../support/checked-flow.ts";
import { type DrawbridgeProcess, startCli, stopCli } from "../../support/cli.ts";
import { dialLoopback, LoopbackServer } from "../../support/dataplane-sockets.ts";
import type { FaultConnection, Faults } from "../../support/fault-connection.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { probed, type ProcessResources, resourcesOf } from "../../support/process-resources.ts";

/** Between which roles a fault proxy stands. */
export const PLACES = [
  "RDP client and remote redirector",
  "remote redirector and cloud",
  "tenant redirector and cloud",
  "tenant redirector and target",
] as const;
export type Place = (typeof PLACES)[number];

/** The first byte of a leg: that of a preface, where the control plane has TLS's. */
const LEG = 0x44;

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

/** A session whose RDP clients come through a fault proxy. */
export interface FaultySession extends AsyncDisposable {
  readonly process: DrawbridgeProcess;
  readonly proxy: FaultProxy;
}

/** The real processes with a fault proxy between any two of them. */
export class FaultBench implements AsyncDisposable {
  readonly chain: Chain;
  readonly target: LoopbackServer;
  /** `tenants --watch --json` of an operator whose own connection has no faults. */
  readonly watch: DrawbridgeProcess;
  readonly #fronts: { readonly remote: FaultProxy; readonly tenant: FaultProxy; readonly target: FaultProxy };
  readonly #folder: TemporaryFolder;
  readonly #clients = new Set<FaultProxy>();
  #clientFaults: Faults = {};
  #seed = 0;

  static async start(): Promise<FaultBench> {
    const target = await LoopbackServer.start();
    const behindTarget = await FaultProxy.start(target.address);
    const folder = await TemporaryFolder.create("probe");
    const fronts = { remote: behindTarget, tenant: behindTarget, target: behindTarget };
    const front = (name: "remote" | "tenant") => async (cloud: string) => {
      fronts[name] = await FaultProxy.start({ host: "127.0.0.1", port: portOf(cloud) });
      return fronts[name].address;
    };
    const chain = await startChain([`rdp=${behindTarget.address}`], {
      tenantFront: front("tenant"),
      operatorFront: front("remote"),
      env: probed(folder.path),
    });
    const watcher = folder.file("watcher");
    const { events } = await chain.cloud(["cloud", "invite", "operator", "watcher", "--json"]);
    const enrolment = await startCli(["operator", "enroll", "-"], {
      home: watcher,
      input: `${String(events[0]?.["code"])}\n`,
    });
    await enrolment.ended();
    const watch = await startCli(["tenants", "--watch", "--json"], { home: watcher, env: probed(folder.path) });
    const bench = new FaultBench(chain, target, fronts, watch, folder);
    await bench.sees("online");
    return bench;
  }

  private constructor(
    chain: Chain,
    target: LoopbackServer,
    fronts: { remote: FaultProxy; tenant: FaultProxy; target: FaultProxy },
    watch: DrawbridgeProcess,
    folder: TemporaryFolder,
  ) {
    this.chain = chain;
    this.target = target;
    this.watch = watch;
    this.#fronts = fronts;
    this.#folder = folder;
  }

  /** Replaces what is wrong between two roles. Without an argument all is well. */
  set(place: Place, faults: Faults = {}): void {
    if (place === "RDP client and remote redirector") this.#clientFaults = faults;
    for (const proxy of this.#at(place)) proxy.set(faults);
  }

  /** The connections of links between two roles, oldest first; without legs that are only kept ready. */
  links(place: Place): FaultConnection[] {
    const all = this.#at(place)
      .flatMap(({ connections }) => connections)
      .filter(({ passed }) => passed.back > 0);
    return place.endsWith("cloud") ? all.filter(({ head }) => head === LEG) : all;
  }

  /** What stands before the target. */
  get targetFront(): FaultProxy {
    return this.#fronts.target;
  }

  /** What stands before the cloud redirector for the tenant redirector. */
  get tenantFront(): FaultProxy {
    return this.#fronts.tenant;
  }

  /** What stands before the cloud redirector for the operator. */
  get remoteFront(): FaultProxy {
    return this.#fronts.remote;
  }

  /** Opens a session whose RDP clients come through a proxy of its own. */
  async session(): Promise<FaultySession> {
    const session = await openSession(this.chain);
    const proxy = await FaultProxy.start({ host: "127.0.0.1", port: session.port });
    proxy.set(this.#clientFaults);
    this.#clients.add(proxy);
    return {
      process: session.process,
      proxy,
      [Symbol.asyncDispose]: async () => {
        this.#clients.delete(proxy);
        await proxy[Symbol.asyncDispose]();
        await session[Symbol.asyncDispose]();
      },
    };
  }

  /** A link that carries checked bytes both ways. */
  async link(session: FaultySession, options: Omit<CheckedFlowOptions, "seed"> = {}): Promise<CheckedLink> {
    const client = await dialLoopback(session.proxy.port);
    const service = await this.target.next();
    this.#seed += 1;
    return new CheckedLink(client, service, { seed: this.#seed, ...options });
  }

  /** Resolves once 100 KB more have come at both ends of a link. */
  async flows({ forth, back }: CheckedLink): Promise<void> {
    const [atService, atClient] = [forth.received + 100_000, back.received + 100_000];
    const look = (): true | undefined => (forth.received > atService && back.received > atClient) || undefined;
    await until(look, { what: "more bytes both ways", intervalMs: 10 });
  }

  /** Resolves once the newest line of the watch shows a tenant in this state; the chain's unless told. */
  async sees(state: "online" | "offline", timeoutMs = 30_000, tenant = this.chain.tenantName): Promise<void> {
    const look = (): true | undefined =>
      this.watch.events.findLast(({ name }) => name === tenant)?.["state"] === state || undefined;
    await until(look, {
      what: `the tenant as ${state} in the watch`,
      timeoutMs,
      log: () => this.chain.tenant.child.tail(),
    });
  }

  /** Resolves once no session is open. */
  async noSessions(timeoutMs = 30_000): Promise<void> {
    const look = (): true | undefined =>
      this.watch.events.findLast(({ name }) => name === this.chain.tenantName)?.["openSessions"] === 0 || undefined;
    await until(look, { what: "no open session in the watch", timeoutMs });
  }

  /** What the cloud redirector and the tenant redirector hold. */
  async resources(): Promise<Record<"cloud" | "tenant", ProcessResources>> {
    const [cloud] = this.chain.processes as [DrawbridgeProcess];
    return { cloud: await this.resourcesOf(cloud), tenant: await this.resourcesOf(this.chain.tenant) };
  }

  /** What one of the bench's long-running processes holds. */
  resourcesOf({ child }: DrawbridgeProcess): Promise<ProcessResources> {
    return resourcesOf(child.pid ?? 0, this.#folder.path);
  }

  /** Waits until both hold no more descriptors and timers than then. */
  async holdsNoMoreThan(then: Record<"cloud" | "tenant", ProcessResources>): Promise<void> {
    const roles = ["cloud", "tenant"] as const;
    let now = then;
    const look = async (): Promise<true | undefined> => {
      now = await this.resources();
      const held = (role: (typeof roles)[number]): boolean =>
        now[role].descriptors <= then[role].descriptors && now[role].timers <= then[role].timers;
      return roles.every(held) || undefined;
    };
    const what = "as few descriptors and timers as before";
    await until(look, { what, timeoutMs: 20_000, intervalMs: 200 }).catch((error: unknown) => {
      throw new Error(`${JSON.stringify(then)} is now ${JSON.stringify(now)}`, { cause: error });
    });
  }

  #at(place: Place): readonly FaultProxy[] {
    switch (place) {
      case "RDP client and remote redirector":
        return [...this.#clients];
      case "remote redirector and cloud":
        return [this.#fronts.remote];
      case "tenant redirector and cloud":
        return [this.#fronts.tenant];
      case "tenant redirector and target":
        return [this.#fronts.target];
    }
  }

  /** Ends it all; every process has to end by itself, with code 0. */
  async [Symbol.asyncDispose](): Promise<void> {
    await stopCli(this.watch);
    await stopChain(this.chain);
    for (const front of Object.values(this.#fronts)) await front[Symbol.asyncDispose]();
    this.target.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Asserts that none of these processes has ended. */
export function expectRunning(...processes: readonly DrawbridgeProcess[]): void {
  for (const { child } of processes)
    expect(child.exit, `the end of ${child.name}\n${child.tail()}`).to.equal(undefined);
}

import { TemporaryFolder } from "../../../scripts/demo/temporary-folder.ts";
import { TenantBehindFront } from "../../integration/faults/behind-front.ts";
import { FaultBench } from "../../integration/faults/fault-bench.ts";
import { type DrawbridgeProcess, startCli } from "../../support/cli.ts";
import type { ProcessResources } from "../../support/process-resources.ts";

/** Tenants that are killed and started again, beside the one that lives throughout. */
const GUESTS = ["bolt", "clay"];

/** The processes whose resources are followed: those that live from the beginning to the end. */
export const FOLLOWED = ["cloud", "tenant", "watch"] as const;
export type Sample = Readonly<Record<(typeof FOLLOWED)[number], ProcessResources>>;

/** A chain with fault proxies everywhere, and tenants that come and go. */
export class SoakWorld implements AsyncDisposable {
  readonly bench: FaultBench;
  readonly guests: readonly TenantBehindFront[];
  readonly #folder: TemporaryFolder;
  readonly #killedAt = new Map<string, number>();

  static async start(): Promise<SoakWorld> {
    const bench = await FaultBench.start();
    const folder = await TemporaryFolder.create("soak");
    const target = `127.0.0.1:${bench.target.address.port}`;
    const guests: TenantBehindFront[] = [];
    for (const name of GUESTS) {
      guests.push(await TenantBehindFront.start(bench.chain, { name, home: folder.file(name), target }));
      await bench.sees("online", 30_000, name);
    }
    return new SoakWorld(bench, guests, folder);
  }

  private constructor(bench: FaultBench, guests: readonly TenantBehindFront[], folder: TemporaryFolder) {
    this.bench = bench;
    this.guests = guests;
    this.#folder = folder;
  }

  get tenants(): readonly string[] {
    return [this.bench.chain.tenantName, ...GUESTS];
  }

  /** Starts `connect` to a tenant; it may fail, as with any fault on its way. */
  async connect(tenant: string): Promise<DrawbridgeProcess> {
    const args = ["connect", tenant, "--client", "none", "--listen", "127.0.0.1:0", "--json"];
    return startCli(args, { home: this.bench.chain.operatorHome });
  }

  /** Says that a tenant redirector is about to be killed. */
  killing(tenant: string): void {
    this.#killedAt.set(tenant, performance.now());
  }

  /** Whether a tenant redirector was killed at this time (of `performance.now`) or later. */
  killedSince(tenant: string, time: number): boolean {
    return (this.#killedAt.get(tenant) ?? -Infinity) >= time;
  }

  async sample(): Promise<Sample> {
    const { watch } = this.bench;
    const { cloud, tenant } = await this.bench.resources();
    return { cloud, tenant, watch: await this.bench.resourcesOf(watch) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const guest of this.guests) await guest[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

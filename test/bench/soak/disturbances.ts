import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BLACK_HOLE, bothWays, type Faults } from "../../support/fault-connection.ts";
import type { FaultProxy } from "../../support/fault-proxy.ts";
import type { SoakWorld } from "./soak-world.ts";
import type { Tally } from "./tally.ts";

/** The rule: a dead peer is known within this time; and what the operator's watch may take to show it on a busy machine. */
const KNOWN_MS = 20_000;
/** A tenant's own time-out of an attempt, the next one's delay, and a busy machine. */
const BACK_MS = 90_000;

const pick = <Value>(values: readonly Value[]): Value => values[randomInt(values.length)] as Value;

/** Disturbs a world in turns with calm: one fault at a time, each lifted before the registry is looked at. */
export class Disturbances {
  readonly #world: SoakWorld;
  readonly #tally: Tally;

  constructor(world: SoakWorld, tally: Tally) {
    this.#world = world;
    this.#tally = tally;
  }

  /** Resolves when the signal has fired and everything is well again. */
  async work(signal: AbortSignal): Promise<void> {
    for (;;) {
      this.#tally.calm();
      await pause(randomInt(10_000, 25_000), signal);
      if (signal.aborted) return;
      this.#tally.disturbed();
      const [name, disturb] = pick(Object.entries(this.#all));
      this.#tally.add(`disturbance: ${name}`);
      await disturb();
      await this.#everybodyOnline(name);
      // What was hurt may still be on its way to its end.
      await pause(5_000, signal);
    }
  }

  readonly #all: Record<string, () => Promise<void>> = {
    latency: () => this.#for({ latencyMs: 100, jitterMs: 200 }, 15_000),
    "pieces of one byte": () => this.#for({ pieceBytes: 1 }, 10_000),
    throttling: () => this.#for({ bytesPerSecond: 100_000 }, 15_000),
    "a short outage": () => this.#for({ held: true }, randomInt(500, 8_000)),
    "a long outage": () => this.#for({ held: true }, 30_000),
    "a direction lost": () => this.#lose(pick<Faults>([{ forth: { lossy: true } }, { back: { lossy: true } }])),
    resets: async () => pick(this.#fronts).reset(),
    "nobody accepts": () => this.#refuse(pick(this.#fronts)),
    "a dead tenant's connection": () => this.#blackHole(),
    "a frozen tenant": () => this.#freeze(),
    "a killed tenant": () => this.#restart("SIGKILL"),
    "a stopped tenant": () => this.#restart("SIGTERM"),
  };

  get #fronts(): readonly FaultProxy[] {
    const { remoteFront, tenantFront, targetFront } = this.#world.bench;
    return [remoteFront, tenantFront, targetFront, ...this.#world.guests.map(({ front }) => front)];
  }

  async #for(faults: Parameters<typeof bothWays>[0], forMs: number): Promise<void> {
    const fronts = this.#fronts.filter(() => randomInt(2) === 0);
    for (const front of fronts) front.set(bothWays(faults));
    await delay(forMs);
    for (const front of fronts) front.set();
  }

  async #lose(faults: Faults): Promise<void> {
    const front = pick(this.#fronts);
    front.set(faults);
    await delay(randomInt(5_000, 25_000));
    front.set();
    // In a network the kernels would notice by now.
    for (const connection of front.connections) if (connection.swallowed > 0) connection.reset();
  }

  async #refuse(front: FaultProxy): Promise<void> {
    await front.refuse();
    front.reset();
    await delay(randomInt(1_000, 10_000));
    await front.accept();
  }

  async #blackHole(): Promise<void> {
    const { bench } = this.#world;
    bench.tenantFront.set(BLACK_HOLE);
    await this.#knownOffline(bench.chain.tenantName);
    bench.tenantFront.set();
  }

  async #freeze(): Promise<void> {
    const { chain } = this.#world.bench;
    chain.tenant.child.signal("SIGSTOP");
    await this.#knownOffline(chain.tenantName);
    chain.tenant.child.signal("SIGCONT");
  }

  async #restart(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const guest = pick(this.#world.guests);
    if (signal === "SIGKILL") this.#world.killing(guest.name);
    guest.process.child.signal(signal);
    const exit = await guest.process.child.exited;
    if (signal === "SIGTERM" && exit.code !== 0) {
      this.#tally.fault(`tenant ${guest.name} ended with ${JSON.stringify(exit)}: ${guest.process.child.tail()}`);
    }
    await this.#knownOffline(guest.name);
    await delay(randomInt(0, 3_000));
    await guest.run();
  }

  async #knownOffline(tenant: string): Promise<void> {
    await this.#world.bench.sees("offline", KNOWN_MS, tenant).catch(() => {
      this.#tally.fault(`tenant ${tenant} was not shown as offline within ${KNOWN_MS / 1_000} s`);
    });
  }

  async #everybodyOnline(after: string): Promise<void> {
    for (const tenant of this.#world.tenants) {
      await this.#world.bench.sees("online", BACK_MS, tenant).catch(() => {
        this.#tally.fault(`tenant ${tenant} was not back within ${BACK_MS / 1_000} s after ${after}`);
      });
    }
  }
}

/** Waits, but no longer than until the signal fires. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

import type { Socket } from "node:net";
import { systemClock, type Clock, type Timer } from "../clock.ts";
import type { RatedLink, RateLimits } from "../link-rates.ts";
import type { Splice } from "../splice.ts";
import { OwnSplicer, type Splicer } from "../splicer.ts";
import { canHandOver } from "./hand-over.ts";
import { WorkerProcess, type WorkerEnd, type WorkerTimes } from "./worker-process.ts";
import { defaultWorkerProgram, type WorkerProgram } from "./worker-program.ts";
import { WorkerSplice } from "./worker-splice.ts";

/** All settings of {@link SpliceWorkers}. */
export interface SpliceWorkersOptions {
  /** How many worker processes; 0: all links are spliced in this process. */
  readonly count: number;
  /** What is started as a worker. Default: this package's own entry. */
  readonly program?: WorkerProgram | undefined;
  /** Caps in bytes per second that links share. Default: none. */
  readonly rates?: RateLimits;
  /** Told that a worker takes links. Must not throw. */
  readonly onReady?: (worker: { readonly pid: number }) => void;
  /** Told that a worker is gone, and after how many milliseconds another takes its place. Must not throw. */
  readonly onEnded?: (end: WorkerEnd & { readonly pid: number | undefined; readonly replacedAfterMs: number }) => void;
  readonly times?: Partial<WorkerTimes>;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** Figures for metrics. */
export interface SpliceWorkersStats {
  /** Workers that take links. */
  readonly up: number;
  /** Links that workers have. */
  readonly links: number;
  /** Workers that ended and were not told to. Only grows. */
  readonly deaths: number;
}

const DEFAULT_TIMES: WorkerTimes = { lookMs: 1_000, destroyMs: 800 };

/** A worker that ends is replaced after this long, twice as long each time, in milliseconds. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;
/** One that lived so long was well: the next is replaced as if it were the first, in milliseconds. */
const STABLE_MS = 60_000;

/** A worker's place: the one that runs there, or the wait for the next. */
interface Slot {
  worker: WorkerProcess | undefined;
  timer: Timer | undefined;
  startedAt: number;
  failures: number;
}

/**
 * Splices in worker processes, so that bytes cost the main process nothing, and each link no more than its share of a
 * worker. What cannot go to one is spliced here: legs inside TLS, and all links while no worker is up.
 *
 * A link goes to the worker with the fewest. Where sessions or tenants have caps on bytes per second, all links of a tenant
 * go to the same place, which keeps the caps; with a cap in all they stay here.
 */
export class SpliceWorkers implements Splicer {
  readonly #options: SpliceWorkersOptions;
  readonly #clock: Clock;
  readonly #rates: RateLimits;
  readonly #here: OwnSplicer;
  readonly #slots: Slot[] = [];
  #deaths = 0;
  #isClosed = false;

  constructor(options: SpliceWorkersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#rates = options.rates ?? {};
    this.#here = new OwnSplicer(this.#rates, this.#clock);
  }

  /** Starts the workers. Until one is ready, links are spliced here. */
  start(): void {
    if (this.#slots.length > 0 || this.#isClosed || this.#rates.inAll !== undefined) return;
    for (let place = 0; place < this.#options.count; place += 1) {
      const slot: Slot = { worker: undefined, timer: undefined, startedAt: 0, failures: 0 };
      this.#slots.push(slot);
      this.#fill(slot);
    }
  }

  splice(remote: Socket, tenant: Socket, link: RatedLink): Splice {
    const worker = canHandOver(remote) && canHandOver(tenant) ? this.#choose(link) : undefined;
    if (worker === undefined) return this.#here.splice(remote, tenant, link);
    const running = new WorkerSplice({ remote, tenant, link }, this.#clock, (legs) =>
      this.#here.splice(legs.remote, legs.tenant, legs.link),
    );
    worker.take(running);
    return running;
  }

  stats(): SpliceWorkersStats {
    const workers = this.#slots.map(({ worker }) => worker).filter((worker) => worker !== undefined);
    return {
      up: workers.filter(({ isUp }) => isUp).length,
      links: workers.reduce((sum, { load }) => sum + load, 0),
      deaths: this.#deaths,
    };
  }

  /** Ends the workers, and with them what links they still have. Resolves when the processes are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const workers = this.#slots.map(({ worker }) => worker).filter((worker) => worker !== undefined);
    for (const { timer } of this.#slots) timer?.cancel();
    for (const worker of workers) worker.kill("was not needed any more");
    await Promise.all(workers.map(({ ended }) => ended));
  }

  #choose(link: RatedLink): WorkerProcess | undefined {
    const { perSession, perTenant } = this.#rates;
    if (perSession !== undefined || perTenant !== undefined) {
      // Its place, and no other: a tenant whose links were elsewhere would have its cap twice.
      const worker = this.#slots[hash(link.tenant) % this.#slots.length]?.worker;
      return worker?.isOpen === true ? worker : undefined;
    }
    let best: WorkerProcess | undefined;
    for (const { worker } of this.#slots) {
      if (worker?.isOpen === true && (best === undefined || worker.load < best.load)) best = worker;
    }
    return best;
  }

  #fill(slot: Slot): void {
    slot.timer = undefined;
    slot.startedAt = this.#clock.now();
    try {
      const worker = this.#startWorker();
      slot.worker = worker;
      void worker.ended.then((end) => {
        slot.worker = undefined;
        if (!this.#isClosed) this.#replace(slot, worker.pid, end);
      });
    } catch (error) {
      // Node throws where the system has no memory for another process.
      this.#replace(slot, undefined, { why: `could not be started (${String(error)})`, links: 0, said: "" });
    }
  }

  #startWorker(): WorkerProcess {
    const worker: WorkerProcess = new WorkerProcess({
      program: this.#options.program ?? defaultWorkerProgram(),
      rates: this.#rates,
      clock: this.#clock,
      times: { ...DEFAULT_TIMES, ...this.#options.times },
      onReady: () => this.#options.onReady?.({ pid: worker.pid ?? 0 }),
    });
    return worker;
  }

  #replace(slot: Slot, pid: number | undefined, end: WorkerEnd): void {
    this.#deaths += 1;
    if (this.#clock.now() - slot.startedAt >= STABLE_MS) slot.failures = 0;
    const replacedAfterMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(slot.failures, 16));
    slot.failures += 1;
    slot.timer = this.#clock.setTimer(replacedAfterMs, () => this.#fill(slot));
    this.#options.onEnded?.({ ...end, pid, replacedAfterMs });
  }
}

/** FNV-1a, to spread names evenly. Source: http://www.isthe.com/chongo/tech/comp/fnv/. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

import { SpliceWorkers, type SpliceWorkersOptions } from "@drawbridge/dataplane";

type WorkerEnded = Parameters<NonNullable<SpliceWorkersOptions["onEnded"]>>[0];

/** Data-plane workers, and what becomes of them. */
export class TestWorkers {
  readonly workers: SpliceWorkers;
  /** The processes that became ready, in order. */
  readonly ready: number[] = [];
  readonly ended: WorkerEnded[] = [];
  #onNews: () => void = () => {};

  /** Resolves when all of them take links. */
  static async start(count: number, options: Partial<SpliceWorkersOptions> = {}): Promise<TestWorkers> {
    const made = new TestWorkers(count, options);
    made.workers.start();
    await made.until(() => made.ready.length === count);
    return made;
  }

  /** Not started yet. */
  constructor(count: number, options: Partial<SpliceWorkersOptions> = {}) {
    this.workers = new SpliceWorkers({
      count,
      onReady: ({ pid }) => this.#note(() => this.ready.push(pid)),
      onEnded: (end) => this.#note(() => this.ended.push(end)),
      ...options,
    });
  }

  /** Waits for what changes with the workers' coming and going. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#onNews = resolve));
  }

  #note(change: () => void): void {
    change();
    this.#onNews();
  }
}

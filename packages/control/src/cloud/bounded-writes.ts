/** How many writes the store is given before the first of them is done. */
const MOST_AT_ONCE = 256;

/**
 * Hands writes to the store in order, several at a time, so that they can share a flush of the disk; the store does them in
 * the order in which it gets them. The rest wait here, and so cannot fill the store's own queue.
 */
export class BoundedWrites {
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #idle = Promise.withResolvers<void>();

  constructor() {
    this.#idle.resolve();
  }

  /** Resolves when the write is done. Errors: the write's. */
  run(write: () => Promise<unknown>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const start = (): void => {
      const done = write().then(() => resolve(), reject);
      void done.then(() => this.#next());
    };
    if (this.#underWay === 0) this.#idle = Promise.withResolvers();
    if (this.#underWay >= MOST_AT_ONCE) {
      this.#waiting.push(start);
    } else {
      this.#underWay += 1;
      start();
    }
    return promise;
  }

  /** Resolves when nothing is left to be written. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** A place that becomes free is handed on. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next();
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#idle.resolve();
  }
}

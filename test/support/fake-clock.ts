import type { Clock, Timer } from "@drawbridge/dataplane";

interface Pending {
  readonly at: number;
  readonly callback: () => void;
}

/** What the date of a new {@link FakeClock} is, in milliseconds since the Unix epoch. */
const WALL_START = Date.UTC(2026, 10, 22);

/** A clock that stands still until a test advances it. Also a `WallClock` of the control plane. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  /** The date, in milliseconds since the Unix epoch. */
  wallNow(): number {
    return WALL_START + this.#now;
  }

  /** The number of timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass and calls the timers that come due, in order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}

import type { Timer } from "@drawbridge/dataplane";
import type { WallClock } from "./wall-clock.ts";

/** How often the time is looked at, in milliseconds. */
const TICK_MS = 5_000;

/** A look that comes this much too late means that the machine slept or stood still, in milliseconds. */
const LATE_MS = 10_000;

/**
 * Notices that the machine has slept, or that this process stood still: a timer comes much too late, or the date has
 * jumped ahead meanwhile. (The clock of timers may stand still while a machine sleeps; its date does not.) A date that
 * somebody sets ahead looks the same, so what is done about it has to be harmless.
 */
export class WakeWatch {
  readonly #clock: WallClock;
  readonly #onWake: (gapMs: number) => void;
  #timer: Timer | undefined;

  /** @param onWake told how long it was, in milliseconds. Must not throw. */
  constructor(clock: WallClock, onWake: (gapMs: number) => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  /** Begins to watch, until `stop`. */
  start(): void {
    this.stop();
    const [now, date] = [this.#clock.now(), this.#clock.wallNow()];
    this.#timer = this.#clock.setTimer(TICK_MS, () => {
      const gapMs = Math.max(this.#clock.now() - now, this.#clock.wallNow() - date) - TICK_MS;
      this.start();
      if (gapMs >= LATE_MS) this.#onWake(gapMs);
    });
  }

  /** May be called twice. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** A timer that was set and may be cancelled, also twice and also after it fired. */
export interface Timer {
  cancel(): void;
}

/** Time, injected so that tests advance it instead of waiting. */
export interface Clock {
  /** Milliseconds; only differences mean something. Never goes back. */
  now(): number;
  /** Calls back once, after `delayMs` milliseconds (at most 2^31 - 1), unless cancelled. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, callback) {
    const timeout = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
};

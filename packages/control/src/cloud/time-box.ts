import type { Clock, CloseReason, Timer } from "@drawbridge/dataplane";

/** How long a session may last, and how long it may be idle, in milliseconds; undefined: without limit. */
export interface TimeLimits {
  longestMs: number | undefined;
  idleMs: number | undefined;
}

/** The longest delay that a timer takes (2^31 - 1 ms, about 24 days); what lasts longer is looked at again. */
const MAX_TIMER_MS = 2_147_483_647;
const MIN_LOOK_MS = 100;

/** Watches over the time of an open session. Pure state: time comes from the clock. */
export class TimeBox {
  readonly #clock: Clock;
  readonly #limits: TimeLimits;
  readonly #bytes: () => number;
  readonly #onEnd: (reason: CloseReason) => void;
  readonly #endsAt: number;
  #activeAt: number;
  #seenBytes = 0;
  #timer: Timer | undefined;

  /**
   * Starts to watch.
   *
   * @param bytes what has gone through the session so far; idle means that it does not grow.
   */
  constructor(clock: Clock, limits: TimeLimits, bytes: () => number, onEnd: (reason: CloseReason) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#bytes = bytes;
    this.#onEnd = onEnd;
    this.#activeAt = clock.now();
    this.#endsAt = limits.longestMs === undefined ? Infinity : clock.now() + limits.longestMs;
    this.#arm();
  }

  /** Ends the watch. May be called twice. */
  cancel(): void {
    this.#timer?.cancel();
  }

  /** Idle time is known by looking at the bytes now and then, ten times in the limit: so it is exact to a tenth. */
  #arm(): void {
    const { idleMs } = this.#limits;
    const untilEndMs = this.#endsAt - this.#clock.now();
    const untilLookMs = idleMs === undefined ? Infinity : Math.max(MIN_LOOK_MS, idleMs / 10);
    const delayMs = Math.min(untilEndMs, untilLookMs);
    if (delayMs === Infinity) return;
    this.#timer = this.#clock.setTimer(Math.min(Math.max(0, delayMs), MAX_TIMER_MS), () => this.#look());
  }

  #look(): void {
    const now = this.#clock.now();
    const bytes = this.#bytes();
    if (bytes !== this.#seenBytes) this.#activeAt = now;
    this.#seenBytes = bytes;
    const { longestMs = 0, idleMs } = this.#limits;
    if (now >= this.#endsAt) {
      const message = `the session's time of ${seconds(longestMs)} is up`;
      this.#onEnd({ code: "expired", message, remedy: "Connect again if you are not done." });
    } else if (idleMs !== undefined && now >= this.#activeAt + idleMs) {
      const message = `nothing went through the session for ${seconds(idleMs)}`;
      this.#onEnd({ code: "idle", message, remedy: "Connect again to go on." });
    } else {
      this.#arm();
    }
  }
}

const seconds = (ms: number): string =>
  ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1000)} s`;

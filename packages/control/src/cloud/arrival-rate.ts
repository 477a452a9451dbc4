import type { Clock, Timer } from "@drawbridge/dataplane";

/** Fewer in a second are not worth a line of the log. */
const WORTH_TELLING = 5;

const SECOND_MS = 1_000;

/** Counts what comes, by the second, so that a herd can be seen. */
export class ArrivalRate {
  readonly #clock: Clock;
  readonly #tell: (perSecond: number) => void;
  #count = 0;
  #second: Timer | undefined;

  /** @param tell told of each second in which at least 5 came. Must not throw. */
  constructor(clock: Clock, tell: (perSecond: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** One has come. */
  add(): void {
    this.#count += 1;
    this.#second ??= this.#clock.setTimer(SECOND_MS, () => this.#over());
  }

  /** Counts no further. May be called twice. */
  stop(): void {
    this.#second?.cancel();
    this.#second = undefined;
    this.#count = 0;
  }

  #over(): void {
    const count = this.#count;
    this.stop();
    if (count >= WORTH_TELLING) this.#tell(count);
  }
}

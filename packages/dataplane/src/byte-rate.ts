import type { Clock, Timer } from "./clock.ts";
import type { Toll } from "./toll.ts";

/** How much a full {@link ByteRate} lets through at once, as time at its rate, in milliseconds. */
const BURST_MS = 250;
/** How much a flow may read in one turn, as time at the rate, in milliseconds: short, so that turns are. */
const QUANTUM_MS = 20;
const LEAST_QUANTUM_BYTES = 1024;
/** The longest that a timer takes, see Clock. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A cap in bytes per second over any number of flows: a token bucket.
 *
 * Flows read first and pay then, so the balance may go below zero, by no more than one quantum for each flow. Who finds
 * no balance waits, first come first served, and every turn is one quantum: a bulk link that is always there delays an
 * interactive one by a quantum or two.
 */
export class ByteRate implements Toll {
  readonly quantumBytes: number;
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #balance: number;
  #paidAt: number;
  #timer: Timer | undefined;

  /** @param bytesPerSecond above 0 */
  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.quantumBytes = Math.max(LEAST_QUANTUM_BYTES, Math.floor(this.#bytesPerMs * QUANTUM_MS));
    this.#burstBytes = Math.max(2 * this.quantumBytes, this.#bytesPerMs * BURST_MS);
    this.#clock = clock;
    this.#balance = this.#burstBytes;
    this.#paidAt = clock.now();
  }

  /** Whether nothing of the past counts any more: a new one would do as well. */
  get isFull(): boolean {
    this.#pay();
    return this.#waiting.size === 0 && this.#balance >= this.#burstBytes;
  }

  take(bytes: number): boolean {
    this.#pay();
    this.#balance -= bytes;
    return this.#balance > 0 && this.#waiting.size === 0;
  }

  wait(onOpen: () => void): () => void {
    // The same function may wait here twice, and a Set knows it only once.
    const turn = (): void => onOpen();
    this.#waiting.add(turn);
    this.#arm();
    return () => {
      this.#waiting.delete(turn);
      if (this.#waiting.size === 0) this.#disarm();
    };
  }

  #pay(): void {
    const now = this.#clock.now();
    this.#balance = Math.min(this.#burstBytes, this.#balance + (now - this.#paidAt) * this.#bytesPerMs);
    this.#paidAt = now;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0) return;
    const delayMs = Math.max(1, Math.ceil((this.quantumBytes - this.#balance) / this.#bytesPerMs));
    this.#timer = this.#clock.setTimer(Math.min(delayMs, LONGEST_TIMER_MS), () => {
      this.#timer = undefined;
      this.#serve();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Lets as many go on as the balance pays a quantum each for. */
  #serve(): void {
    this.#pay();
    let left = this.#balance;
    for (const turn of this.#waiting) {
      if (left < this.quantumBytes) break;
      left -= this.quantumBytes;
      this.#waiting.delete(turn);
      turn();
    }
    this.#arm();
  }
}

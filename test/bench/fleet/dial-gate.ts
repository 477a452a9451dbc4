import type { Socket } from "node:net";
import { type Address, type DialOptions, type HandshakeToken, Reach } from "@drawbridge/dataplane";

/**
 * Lets so many control connections be made at a time. A process that plays thousands of machines has one processor and not
 * thousands: all at once, their handshakes would wait for each other until they are too late, and be made again.
 */
export class DialGate {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Waits for a place, and resolves to the function that gives it back; it may be called twice. */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    let isMine = true;
    return () => {
      if (isMine) this.#pass();
      isMine = false;
    };
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.add(resolve);
    await promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/** One machine's way out, through the gate for its control connection. */
export class GatedReach extends Reach {
  readonly #gate: DialGate;
  readonly #ungated = new Reach();
  #leave: () => void = () => {};

  constructor(gate: DialGate) {
    super();
    this.#gate = gate;
  }

  override async dial(address: Address, options: DialOptions = {}): Promise<Socket> {
    this.#leave();
    const leave = await this.#gate.enter(options.signal);
    this.#leave = leave;
    try {
      return (await super.dial(address, options)).once("close", leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  override dialLeg(address: Address, token: HandshakeToken, options: DialOptions = {}): Promise<Socket> {
    return this.#ungated.dialLeg(address, token, options);
  }

  /** The control connection is made: others may go on. */
  connected(): void {
    this.#leave();
  }
}

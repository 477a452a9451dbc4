import { abortError, DrawbridgeError } from "@drawbridge/dataplane";

/**
 * How many links of a session are made at a time. A burst of connections would otherwise run into the rendezvous' cap on
 * legs that wait for a tenant (32), which is there for all sessions to it.
 */
const AT_A_TIME = 8;
/** More connections than a session may ever have links. */
const MAX_WAITING = 256;

/** Lets a few links be made at a time; the others wait their turn, in order. */
export class LinkTurns {
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  /**
   * Resolves when it is one's turn, to what ends it, which may be called twice.
   *
   * Errors: `limit-exceeded` when too many wait; the signal's reason.
   */
  async take(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw abortError(signal);
    if (this.#taken >= AT_A_TIME) await this.#wait(signal);
    else this.#taken += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#next();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= MAX_WAITING) {
      throw new DrawbridgeError("limit-exceeded", `${MAX_WAITING} connections wait for their link already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      if (this.#waiting.delete(resolve)) reject(abortError(signal));
    };
    this.#waiting.add(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** A turn that ends is handed on. */
  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#taken -= 1;
      return;
    }
    this.#waiting.delete(first);
    first();
  }
}

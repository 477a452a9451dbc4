/** How long to wait between attempts. */
export interface BackoffOptions {
  /** The bound of the first wait, in milliseconds. Default 500. */
  firstMs?: number;
  /** The bound that later waits grow to, in milliseconds. Default 25,000: all are back within 30 s, dialling included. */
  longestMs?: number;
  /** How long a connection must have held before the waits start small again, in milliseconds. Default 60,000. */
  stableAfterMs?: number;
  /** A source of numbers in [0, 1). Default `Math.random`. */
  random?: () => number;
}

/**
 * Exponential backoff with full jitter: each wait is drawn evenly from zero up to a bound that doubles, so that clients
 * that lost the same server come back spread out.
 *
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #attempt = 0;

  constructor(options: BackoffOptions = {}) {
    this.#options = { firstMs: 500, longestMs: 25_000, stableAfterMs: 60_000, random: Math.random, ...options };
  }

  /** The next wait, in milliseconds. `heldMs` is how long the attempt before it had stayed connected; 0 if never. */
  next(heldMs: number): number {
    const { firstMs, longestMs, random } = this.#options;
    this.#settle(heldMs);
    const bound = Math.min(longestMs, firstMs * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 30);
    return random() * bound;
  }

  /** A wait up to the first bound, for an attempt elsewhere: the bound of the next one stays. `heldMs` as of `next`. */
  soon(heldMs: number): number {
    const { firstMs, random } = this.#options;
    this.#settle(heldMs);
    return random() * firstMs;
  }

  #settle(heldMs: number): void {
    if (heldMs >= this.#options.stableAfterMs) this.#attempt = 0;
  }
}

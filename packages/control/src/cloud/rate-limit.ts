/** How a rate limit is set. */
export interface RateLimitOptions {
  /** How many are let through in a minute, by key. */
  perKey: number;
  /** How many are let through in a minute, in all. */
  inAll: number;
}

const MINUTE_MS = 60_000;
/** Keys are forgotten a minute after their last use; more than this at once count as one. */
const MAX_KEYS = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** Token buckets: a minute's worth at once, refilled evenly. Pure state, bounded. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #byKey = new Map<string, Bucket>();
  readonly #all: Bucket;

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#all = { tokens: options.inAll, at: 0 };
  }

  /** Lets one through, or not. @param now milliseconds of a clock that never goes back. */
  take(key: string, now: number): boolean {
    const bucket = this.#bucket(key, now);
    refill(bucket, this.#options.perKey, now);
    refill(this.#all, this.#options.inAll, now);
    if (bucket.tokens < 1 || this.#all.tokens < 1) return false;
    bucket.tokens -= 1;
    this.#all.tokens -= 1;
    return true;
  }

  /** Which of the two did not let the last one through. */
  get usedUp(): keyof RateLimitOptions {
    return this.#all.tokens < 1 ? "inAll" : "perKey";
  }

  #bucket(key: string, now: number): Bucket {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= MAX_KEYS) this.#forgetIdle(now);
    const kept = this.#byKey.size >= MAX_KEYS ? "" : key;
    const bucket = this.#byKey.get(kept) ?? { tokens: this.#options.perKey, at: now };
    this.#byKey.set(kept, bucket);
    return bucket;
  }

  #forgetIdle(now: number): void {
    for (const [key, { at }] of this.#byKey) if (now - at >= MINUTE_MS) this.#byKey.delete(key);
  }
}

function refill(bucket: Bucket, perMinute: number, now: number): void {
  bucket.tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) / MINUTE_MS) * perMinute);
  bucket.at = now;
}

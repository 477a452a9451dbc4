import { ByteRate } from "./byte-rate.ts";
import type { Clock } from "./clock.ts";
import { combineTolls, type Toll } from "./toll.ts";

/** Caps in bytes per second, both directions together. What is left out is not capped. */
export interface RateLimits {
  readonly perSession?: number | undefined;
  readonly perTenant?: number | undefined;
  readonly inAll?: number | undefined;
}

/** Whose bytes a link's are. */
export interface RatedLink {
  /** Undefined: the link belongs to no session, and no session's cap counts. */
  readonly session?: string | undefined;
  readonly tenant: string;
}

/** What a link holds while it runs. */
export interface LinkToll {
  readonly toll: Toll | undefined;
  /** Gives it back. To be called once. */
  readonly release: () => void;
}

/** The caps on bytes per second that links share: by session, by tenant and in all. */
export class LinkRates {
  readonly #sessions: SharedRates;
  readonly #tenants: SharedRates;
  readonly #all: SharedRates;

  constructor(limits: RateLimits, clock: Clock) {
    this.#sessions = new SharedRates(limits.perSession, clock);
    this.#tenants = new SharedRates(limits.perTenant, clock);
    this.#all = new SharedRates(limits.inAll, clock);
  }

  /** The toll of a link that begins to run. */
  acquire({ session, tenant }: RatedLink): LinkToll {
    const shares = [
      session === undefined ? undefined : this.#sessions.acquire(session),
      this.#tenants.acquire(tenant),
      this.#all.acquire(""),
    ].filter((share) => share !== undefined);
    return {
      toll: combineTolls(shares.map(({ rate }) => rate)),
      release: () => {
        for (const share of shares) share.users -= 1;
      },
    };
  }
}

interface Share {
  readonly rate: ByteRate;
  users: number;
}

/** One cap, for each key anew. */
class SharedRates {
  readonly #bytesPerSecond: number | undefined;
  readonly #clock: Clock;
  readonly #shares = new Map<string, Share>();

  constructor(bytesPerSecond: number | undefined, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  acquire(key: string): Share | undefined {
    if (this.#bytesPerSecond === undefined) return undefined;
    this.#forgetUnused();
    const share = this.#shares.get(key) ?? { rate: new ByteRate(this.#bytesPerSecond, this.#clock), users: 0 };
    share.users += 1;
    this.#shares.set(key, share);
    return share;
  }

  /** A share that nobody uses stays until it is full again, or a link that comes anew would find a fresh burst. */
  #forgetUnused(): void {
    for (const [key, { rate, users }] of this.#shares) {
      if (users === 0 && rate.isFull) this.#shares.delete(key);
    }
  }
}

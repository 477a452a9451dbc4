import type { Socket } from "node:net";
import type { Clock } from "./clock.ts";
import { LinkRates, type RatedLink, type RateLimits } from "./link-rates.ts";
import { splice, type Splice } from "./splice.ts";

/** Where a rendezvous has its legs spliced. */
export interface Splicer {
  /** Takes both legs over and copies between them; the remote leg is the splice's `a`. Never throws. */
  splice(remote: Socket, tenant: Socket, link: RatedLink): Splice;
}

/** Splices in this process, under the caps on bytes per second. */
export class OwnSplicer implements Splicer {
  readonly #rates: LinkRates;
  readonly #clock: Clock;

  constructor(rates: RateLimits, clock: Clock) {
    this.#rates = new LinkRates(rates, clock);
    this.#clock = clock;
  }

  splice(remote: Socket, tenant: Socket, link: RatedLink): Splice {
    const { toll, release } = this.#rates.acquire(link);
    const names = { aName: "the remote leg", bName: "the tenant leg" };
    const running = splice(remote, tenant, { ...names, toll, clock: this.#clock });
    void running.closed.then(release);
    return running;
  }
}

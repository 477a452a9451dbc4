import { networkInterfaces } from "node:os";
import type { Address, CloseReason, Timer } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress, formatIp, fromNodeError, ipBytes, resolveHost } from "@drawbridge/dataplane";
import type { WallClock } from "../wire/wall-clock.ts";
import type { FreeTargetPlace, OfferedSession } from "./offers.ts";

/** What a search is made of. */
export interface PlaceSearchOptions {
  clock: WallClock;
  /** Looks a name up. Default: the system's way, see `resolveHost`. */
  resolve?: (host: string) => Promise<readonly string[]>;
  /** Searches at a time. Default 16. */
  maxSearches?: number;
  /** Searches of one operator at a time. Default 4. */
  maxSearchesPerOperator?: number;
}

/**
 * Look-ups at a time. The system's resolver cannot be given up, and each holds one of the four threads that files are
 * read and written by too.
 */
const MOST_LOOKUPS = 2;

/** How long a search may take, in milliseconds. The cloud redirector waits 10 s for a first answer. */
const SEARCH_MS = 5_000;

/** Whoever waits for a place. */
interface Search {
  readonly offer: OfferedSession;
  readonly target: Address;
  readonly late: Timer;
  readonly found: (result: FreeTargetPlace | CloseReason) => void;
}

/** Finds out where free targets are: looks each name up once. */
export class PlaceSearch {
  readonly #options: Required<PlaceSearchOptions>;
  readonly #searches = new Map<string, Search>();
  readonly #waiting = new Set<Search>();
  #lookups = 0;

  constructor(options: PlaceSearchOptions) {
    this.#options = { resolve: resolveHost, maxSearches: 16, maxSearchesPerOperator: 4, ...options };
  }

  /**
   * Searches for an offer. `found` is called once, later: with the place, or with why there is none; unless the search is
   * withdrawn.
   *
   * Errors: `limit-exceeded` where too many searches are under way.
   */
  begin(offer: OfferedSession, target: Address, found: Search["found"]): void {
    this.#checkLimits(offer.operator);
    const late = this.#options.clock.setTimer(SEARCH_MS, () => this.#over(search, tooLate(target)));
    const search: Search = { offer, target, late, found };
    this.#searches.set(offer.sessionId, search);
    this.#waiting.add(search);
    this.#next();
  }

  /** The offers whose targets are searched. */
  list(): OfferedSession[] {
    return [...this.#searches.values()].map(({ offer }) => offer);
  }

  has(sessionId: string): boolean {
    return this.#searches.has(sessionId);
  }

  /** Nobody needs the place any more. Returns the offer that waited for it. */
  withdraw(sessionId: string): OfferedSession | undefined {
    const search = this.#searches.get(sessionId);
    if (search !== undefined) this.#remove(search);
    return search?.offer;
  }

  #next(): void {
    const [search] = this.#waiting;
    if (search === undefined || this.#lookups >= MOST_LOOKUPS) return;
    this.#waiting.delete(search);
    this.#lookups += 1;
    void this.#look(search.target).then((result) => {
      this.#lookups -= 1;
      this.#over(search, result);
      this.#next();
    });
  }

  async #look(target: Address): Promise<FreeTargetPlace | CloseReason> {
    try {
      const addresses = await this.#options.resolve(target.host);
      if (addresses.length === 0) throw new DrawbridgeError("dial-failed", `${target.host} has no address`);
      const own = ownAddresses();
      return { ...target, addresses: addresses.map((address) => ({ address, own: own.has(canonical(address)) })) };
    } catch (error) {
      const { message, remedy } = fromNodeError(error, formatAddress(target), "dial");
      return { code: "target-unreachable", message: `at the tenant, ${message}`, remedy };
    }
  }

  #over(search: Search, result: FreeTargetPlace | CloseReason): void {
    if (this.#searches.get(search.offer.sessionId) !== search) return;
    this.#remove(search);
    search.found(result);
  }

  #remove(search: Search): void {
    this.#searches.delete(search.offer.sessionId);
    this.#waiting.delete(search);
    search.late.cancel();
  }

  #checkLimits(operator: string): void {
    const { maxSearches, maxSearchesPerOperator } = this.#options;
    const own = this.list().filter((offer) => offer.operator === operator).length;
    if (this.#searches.size < maxSearches && own < maxSearchesPerOperator) return;
    throw new DrawbridgeError("limit-exceeded", "the tenant looks up too many targets already", {
      remedy: "Try again in a few seconds.",
    });
  }
}

/** This machine's addresses, in their canonical forms; those of loopback interfaces too, which need not look like it. */
function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(all.map(({ address }) => canonical(address)));
}

function canonical(address: string): string {
  const bytes = ipBytes(address);
  return bytes === undefined ? address : formatIp(bytes);
}

function tooLate({ host }: Address): CloseReason {
  const message = `at the tenant, ${host} cannot be found: no answer within ${SEARCH_MS / 1_000} s`;
  return { code: "target-unreachable", message, remedy: "Try again, or name the IP address." };
}

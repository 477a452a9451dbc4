import { Resolver } from "node:dns/promises";
import { formatAddress, parseAddress } from "./address.ts";
import type { RankedPlace } from "./gateway-order.ts";

/** An SRV record, as `node:dns` has it. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Looks up the SRV records of a name. Rejects with whatever error when there is no answer. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;

/** One try of a look-up, in milliseconds; there are two. */
const TRY_MS = 1_000;
const TRIES = 2;

/** Records of one name that are looked at. */
const MAX_RECORDS = 16;
/** Names whose last good answer is kept. */
const MAX_NAMES = 16;

/** Asks this machine's name servers; gives up after about two seconds. */
export async function resolveSrv(name: string, servers?: readonly string[]): Promise<readonly SrvRecord[]> {
  // One for each look-up: cancelling a resolver cancels all that it does.
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  // Its own timeouts are for each name server, and a machine may have several of them.
  const timer = setTimeout(() => resolver.cancel(), TRY_MS * TRIES);
  try {
    return await resolver.resolveSrv(name);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The SRV records of services, looked up anew each time. When no answer comes the last good one holds, since a name
 * server that is down must not cut a tenant off from gateways that are up.
 */
export class ServiceRecords {
  readonly #resolve: ResolveSrv;
  readonly #lastGood = new Map<string, readonly RankedPlace[]>();
  readonly #underWay = new Map<string, Promise<readonly RankedPlace[]>>();

  constructor(resolve: ResolveSrv = resolveSrv) {
    this.#resolve = resolve;
  }

  /** The places of a service; none when there has never been an answer. Never rejects. At most 16. */
  places(name: string): Promise<readonly RankedPlace[]> {
    const known = this.#underWay.get(name);
    if (known !== undefined) return known;
    const lookUp = this.#lookUp(name).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, lookUp);
    return lookUp;
  }

  async #lookUp(name: string): Promise<readonly RankedPlace[]> {
    try {
      const places = (await this.#resolve(name)).map(placeOf).filter((place) => place !== undefined);
      if (places.length > 0) this.#keep(name, mostPreferred(places));
    } catch {
      // The last good answer holds.
    }
    return this.#lastGood.get(name) ?? [];
  }

  #keep(name: string, places: readonly RankedPlace[]): void {
    const [oldest] = this.#lastGood.keys();
    if (this.#lastGood.size >= MAX_NAMES && !this.#lastGood.has(name) && oldest !== undefined) {
      this.#lastGood.delete(oldest);
    }
    this.#lastGood.set(name, places);
  }
}

function mostPreferred(places: readonly RankedPlace[]): readonly RankedPlace[] {
  return places.toSorted((a, b) => a.priority - b.priority).slice(0, MAX_RECORDS);
}

/** Undefined for a record that cannot be dialled: RFC 2782 writes a lone dot where a service is not there at all. */
function placeOf({ name, port, priority, weight }: SrvRecord): RankedPlace | undefined {
  const host = name.replace(/\.$/, "");
  if (host === "" || port === 0) return undefined;
  try {
    return { address: formatAddress(parseAddress(formatAddress({ host, port }))), priority, weight };
  } catch {
    return undefined;
  }
}

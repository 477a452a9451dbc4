import type { Socket } from "node:net";
import { parseAddress } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { DEFAULT_DIAL_TIMEOUT_MS, type DialOptions } from "./dial.ts";
import { DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import { formatGatewayAddress, type GatewayAddress, parseGatewayAddress } from "./gateway-address.ts";
import { orderPlaces, type RankedPlace } from "./gateway-order.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import { Reach } from "./reach.ts";
import { ServiceRecords } from "./service-records.ts";

/** What a list of gateways is treated with. */
export interface GatewaysOptions {
  /** Where the provider was reached before, tried after all others; at most 8 are looked at. Default: none. */
  readonly reserve?: readonly string[];
  /** Looks services up. Default: by this machine's name servers. */
  readonly services?: ServiceRecords;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Numbers in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Called when {@link Gateways.replace} has taken another list. Must not throw. Default: nobody. */
  readonly onReplaced?: (addresses: readonly string[], reserve: readonly string[]) => void;
}

/** A place that failed stands behind the others for so long, in milliseconds. */
export const FAILED_BEHIND_MS = 60_000;

/** How long one gateway may take to answer while another is left to try, in milliseconds. */
export const HASTY_DIAL_MS = 3_000;

/** Entries of a list that are looked at: as many as a welcome may hold. */
const MAX_ENTRIES = 16;
const MAX_RESERVE = 8;
/** Places that are kept in mind, those of SRV records included. */
const MAX_PLACES = 64;
/** An entry's priority counts before that of an SRV record behind it. */
const PRIORITIES = 65_536;

/** The places at which a provider is reached: its gateways, or its one cloud redirector. */
export class Gateways {
  /** How they are dialled. */
  readonly reach: Reach;
  readonly #services: ServiceRecords;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onReplaced: NonNullable<GatewaysOptions["onReplaced"]>;
  /** When a place failed last. */
  readonly #failures = new Map<string, number>();
  #entries: readonly GatewayAddress[];
  #reserve: readonly string[];
  /** The places of the last look. */
  #known: readonly string[];

  /**
   * @param addresses as an invite code holds them; what cannot be read is left out.
   * @param reach how this machine gets out.
   */
  constructor(addresses: readonly string[], reach = new Reach(), options: GatewaysOptions = {}) {
    this.reach = reach;
    this.#services = options.services ?? new ServiceRecords();
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#onReplaced = options.onReplaced ?? (() => {});
    this.#entries = readable(addresses);
    this.#reserve = placesIn(readable(options.reserve ?? [])).slice(0, MAX_RESERVE);
    this.#known = [...placesIn(this.#entries), ...this.#reserve];
  }

  /** The list, as an invite code would hold it. */
  get addresses(): string[] {
    return this.#entries.map(formatGatewayAddress);
  }

  /** Where the provider was reached before. */
  get reserve(): readonly string[] {
    return this.#reserve;
  }

  /**
   * Takes the list that the provider tells, in place of the one before. A list without any entry that can be read
   * changes nothing.
   *
   * @param at where the provider was reached when it said so: kept in reserve, so that a list that leads nowhere does
   *   not cut this machine off.
   */
  replace(addresses: readonly string[], at: string): void {
    const entries = readable(addresses);
    const before = this.addresses;
    if (entries.length === 0) return;
    this.#entries = entries;
    if (this.addresses.join("\n") === before.join("\n")) return;
    const places = placesIn(entries);
    const reserve = [at, ...this.#reserve].filter((place) => place !== "" && !places.includes(place));
    this.#reserve = [...new Set(reserve)].slice(0, MAX_RESERVE);
    this.#known = [...places, ...this.#reserve];
    this.#onReplaced(this.addresses, this.#reserve);
  }

  /**
   * The places to try, each as `host:port`, in order: by priority and weight, drawn anew each time; those in reserve
   * behind them; and behind all, those that failed lately, the one whose failure is oldest first.
   *
   * @throws DrawbridgeError `dial-failed` when the list has no place, because its SRV records cannot be looked up
   */
  async inOrder(): Promise<string[]> {
    const ranked = await Promise.all(this.#entries.map((entry, position) => this.#places(entry, position)));
    const order = orderPlaces(ranked.flat(), this.#random);
    const all = [...new Set([...order, ...this.#reserve])].slice(0, MAX_PLACES);
    if (all.length === 0) throw notFound(this.#entries);
    this.#known = all;
    const failedAt = (place: string): number => (this.#hasFailed(place) ? (this.#failures.get(place) ?? 0) : -1);
    return all.sort((a, b) => failedAt(a) - failedAt(b));
  }

  /**
   * The places that the provider prefers to this one, by priority, in order; without those that failed lately. A place that
   * is not in the list stands behind all that are. Never rejects: what cannot be looked up is left out.
   */
  async preferredTo(place: string): Promise<string[]> {
    const ranked = (await Promise.all(this.#entries.map((entry, position) => this.#places(entry, position)))).flat();
    const own = Math.min(...ranked.filter(({ address }) => address === place).map(({ priority }) => priority));
    const better = ranked.filter(({ address, priority }) => priority < own && !this.#hasFailed(address));
    return [...new Set(orderPlaces(better, this.#random))].slice(0, MAX_PLACES);
  }

  /** Where to connect next, as `host:port`. Throws as {@link inOrder} does. */
  async next(): Promise<string> {
    return (await this.inOrder())[0] ?? "";
  }

  /** A place did not answer, or was lost: it stands behind the others for a while. */
  failed(place: string): void {
    this.#failures.delete(place);
    this.#failures.set(place, this.#clock.now());
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_PLACES && oldest !== undefined) this.#failures.delete(oldest);
  }

  /** A place answered. */
  worked(place: string): void {
    this.#failures.delete(place);
  }

  /** Whether there is another place than this one that has not failed lately. */
  hasOtherThan(place: string): boolean {
    return this.#known.some((other) => other !== place && !this.#hasFailed(other));
  }

  /**
   * Dials a leg at a place; where nothing answers there, at the others, in order. All attempts together take no longer
   * than the options' time. A token works once, so only a leg that could not be dialled is tried elsewhere.
   *
   * @param at where first, as `host:port`
   * @throws DrawbridgeError as Reach.dialLeg does, for the first place
   */
  async dialLeg(at: string, token: HandshakeToken, options: DialOptions = {}): Promise<Socket> {
    const deadline = this.#clock.now() + (options.timeoutMs ?? DEFAULT_DIAL_TIMEOUT_MS);
    let failure: DrawbridgeError | undefined;
    const tried = new Set<string>();
    for (let place: string | undefined = at; place !== undefined; place = await this.#untried(tried)) {
      tried.add(place);
      const leftMs = deadline - this.#clock.now();
      if (leftMs <= 0) break;
      const timeoutMs = this.hasOtherThan(place) ? Math.min(leftMs, HASTY_DIAL_MS) : leftMs;
      try {
        return await this.reach.dialLeg(parseAddress(place), token, { ...options, timeoutMs });
      } catch (error) {
        failure ??= toDrawbridgeError(error);
        if (!mayBeTriedElsewhere(error)) throw error;
        this.failed(place);
      }
    }
    throw failure ?? new DrawbridgeError("dial-failed", `no leg could be dialled at ${at} in time`);
  }

  async #untried(tried: ReadonlySet<string>): Promise<string | undefined> {
    const order = await this.inOrder().catch((): string[] => []);
    return order.find((place) => !tried.has(place));
  }

  async #places(entry: GatewayAddress, position: number): Promise<readonly RankedPlace[]> {
    if (entry.kind === "place") {
      const { address, priority = position, weight } = entry;
      return [{ address, priority: priority * PRIORITIES, weight }];
    }
    const places = await this.#services.places(entry.name);
    return places.map(({ address, priority, weight }) => ({
      address,
      priority: position * PRIORITIES + priority,
      weight,
    }));
  }

  #hasFailed(place: string): boolean {
    const at = this.#failures.get(place);
    return at !== undefined && this.#clock.now() - at < FAILED_BEHIND_MS;
  }
}

function readable(addresses: readonly string[]): GatewayAddress[] {
  return addresses.slice(0, MAX_ENTRIES).flatMap((text) => {
    try {
      return [parseGatewayAddress(text)];
    } catch {
      return [];
    }
  });
}

function placesIn(entries: readonly GatewayAddress[]): string[] {
  return [...new Set(entries.flatMap((entry) => (entry.kind === "place" ? [entry.address] : [])))];
}

function mayBeTriedElsewhere(error: unknown): boolean {
  const { code } = toDrawbridgeError(error);
  return code === "dial-failed" || code === "unavailable";
}

function notFound(entries: readonly GatewayAddress[]): DrawbridgeError {
  const names = entries.map(formatGatewayAddress).join(", ");
  return new DrawbridgeError("dial-failed", `no gateway of the provider is known: ${names || "the list is empty"}`, {
    remedy: "Check this machine's DNS: the SRV records of that name cannot be looked up.",
  });
}

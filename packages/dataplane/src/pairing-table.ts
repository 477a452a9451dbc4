import { closeReason, limitReason, type CloseReason } from "./close-reason.ts";
import { CountByKey } from "./count-by-key.ts";
import { DrawbridgeError } from "./errors.ts";
import type { HandshakeToken } from "./handshake-token.ts";

/** Which leg of a link. */
export type Side = "remote" | "tenant";

/** A link whose two legs are expected. */
export interface Reservation {
  readonly linkId: string;
  /** The tenant that the link belongs to; waiting legs are counted by it. */
  readonly tenant: string;
  /** Names the remote leg. */
  readonly remoteToken: HandshakeToken;
  /** Names the tenant leg. */
  readonly tenantToken: HandshakeToken;
  /** From this time on, on the clock that gives `now`, both tokens are refused. */
  readonly expiresAt: number;
}

/** The caps on legs that wait for their other leg. */
export interface PairingLimits {
  /** Default 32. */
  readonly waitingPerTenant: number;
  /** By the address that the leg came from. Default 64. */
  readonly waitingPerAddress: number;
  /** Default 4,096. */
  readonly waitingInAll: number;
}

/** The design's caps. */
export const DEFAULT_PAIRING_LIMITS: PairingLimits = {
  waitingPerTenant: 32,
  waitingPerAddress: 64,
  waitingInAll: 4096,
};

/** A leg that was held, with the side that it is. */
export interface HeldLeg<Leg> {
  readonly side: Side;
  readonly leg: Leg;
}

/** What becomes of a leg that arrived. */
export type Arrival<Leg> =
  | { readonly outcome: "held"; readonly reservation: Reservation; readonly side: Side }
  | { readonly outcome: "paired"; readonly reservation: Reservation; readonly remote: Leg; readonly tenant: Leg }
  | { readonly outcome: "refused"; readonly reason: CloseReason };

/** A reservation that ended unpaired; a held leg is the caller's to close. */
export interface EndedReservation<Leg> {
  readonly reservation: Reservation;
  readonly held: HeldLeg<Leg> | undefined;
}

interface Held<Leg> extends HeldLeg<Leg> {
  readonly address: string;
}

interface Entry<Leg> {
  readonly reservation: Reservation;
  held: Held<Leg> | undefined;
}

const UNKNOWN_TOKEN = closeReason(
  "token-invalid",
  "the handshake token is not known: never given out, used, ended or expired",
);
const USED_TOKEN = closeReason("token-invalid", "the handshake token was used before");

/**
 * Which legs belong together. Pure state: no sockets, no timers; `now` is handed in.
 *
 * INVARIANT: a token is in the table exactly as long as its reservation, and a reservation holds at most one leg; its
 * second leg pairs only when it is of the other side, and ends the reservation. So nothing is kept of used, ended and
 * expired tokens: they are refused like one that never was.
 */
export class PairingTable<Leg> {
  readonly #limits: PairingLimits;
  readonly #entries = new Map<string, Entry<Leg>>();
  readonly #tokens = new Map<string, { readonly linkId: string; readonly side: Side }>();
  readonly #waitingByTenant = new CountByKey();
  readonly #waitingByAddress = new CountByKey();

  constructor(limits: Partial<PairingLimits> = {}) {
    this.#limits = { ...DEFAULT_PAIRING_LIMITS, ...limits };
  }

  /** The number of reservations. */
  get size(): number {
    return this.#entries.size;
  }

  /** The number of legs that wait. */
  get waiting(): number {
    return this.#waitingByTenant.total;
  }

  /**
   * Expects the two legs of a link.
   *
   * @throws DrawbridgeError `internal` when the link or one of its tokens is there already
   */
  reserve(reservation: Reservation): void {
    const remote = reservation.remoteToken.digest();
    const tenant = reservation.tenantToken.digest();
    if (
      this.#entries.has(reservation.linkId) ||
      this.#tokens.has(remote) ||
      this.#tokens.has(tenant) ||
      remote === tenant
    ) {
      throw new DrawbridgeError(
        "internal",
        `link ${reservation.linkId} or one of its handshake tokens is reserved already`,
      );
    }
    this.#entries.set(reservation.linkId, { reservation, held: undefined });
    this.#tokens.set(remote, { linkId: reservation.linkId, side: "remote" });
    this.#tokens.set(tenant, { linkId: reservation.linkId, side: "tenant" });
  }

  /**
   * A leg came with this token from this address. A leg that pairs spends its reservation. A leg that is refused at a
   * cap leaves its token unspent, so that it may come again within the token's life.
   */
  arrive(token: HandshakeToken, leg: Leg, context: { readonly address: string }, now: number): Arrival<Leg> {
    const named = this.#tokens.get(token.digest());
    const entry = named === undefined ? undefined : this.#entries.get(named.linkId);
    if (named === undefined || entry === undefined || now >= entry.reservation.expiresAt) {
      return { outcome: "refused", reason: UNKNOWN_TOKEN };
    }
    const { reservation, held } = entry;
    if (held !== undefined) {
      if (held.side === named.side) return { outcome: "refused", reason: USED_TOKEN };
      this.cancel(reservation.linkId);
      const [remote, tenant] = named.side === "remote" ? [leg, held.leg] : [held.leg, leg];
      return { outcome: "paired", reservation, remote, tenant };
    }
    const reason = this.#overLimit(reservation.tenant, context.address);
    if (reason !== undefined) return { outcome: "refused", reason };
    entry.held = { side: named.side, leg, address: context.address };
    this.#waitingByTenant.add(reservation.tenant);
    this.#waitingByAddress.add(context.address);
    return { outcome: "held", reservation, side: named.side };
  }

  /** Ends a reservation and returns it with the leg that it held; undefined when it is not there (any more). */
  cancel(linkId: string): EndedReservation<Leg> | undefined {
    const entry = this.#entries.get(linkId);
    if (entry === undefined) return undefined;
    const { reservation, held } = entry;
    this.#entries.delete(linkId);
    this.#tokens.delete(reservation.remoteToken.digest());
    this.#tokens.delete(reservation.tenantToken.digest());
    if (held === undefined) return { reservation, held: undefined };
    this.#waitingByTenant.remove(reservation.tenant);
    this.#waitingByAddress.remove(held.address);
    return { reservation, held: { side: held.side, leg: held.leg } };
  }

  /** Ends every reservation whose time is over. */
  expire(now: number): EndedReservation<Leg>[] {
    const over = [...this.#entries.values()].filter(({ reservation }) => now >= reservation.expiresAt);
    return over.flatMap(({ reservation }) => this.cancel(reservation.linkId) ?? []);
  }

  /** When the next reservation expires; undefined when there is none. */
  nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const { reservation } of this.#entries.values()) {
      if (next === undefined || reservation.expiresAt < next) next = reservation.expiresAt;
    }
    return next;
  }

  #overLimit(tenant: string, address: string): CloseReason | undefined {
    const { waitingPerTenant, waitingPerAddress, waitingInAll } = this.#limits;
    if (this.waiting >= waitingInAll) return limitReason("waitingLegs", `${waitingInAll} legs wait in all`);
    if (this.#waitingByTenant.of(tenant) >= waitingPerTenant) {
      return limitReason("waitingLegsPerTenant", `${waitingPerTenant} legs wait for tenant ${tenant}`);
    }
    if (this.#waitingByAddress.of(address) >= waitingPerAddress) {
      return limitReason("waitingLegsPerAddress", `${waitingPerAddress} legs wait from address ${address}`);
    }
    return undefined;
  }
}

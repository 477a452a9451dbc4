import type { Clock } from "./clock.ts";
import type { CloseReason } from "./close-reason.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import type { Side } from "./pairing-table.ts";
import type { Splice } from "./splice.ts";

/** Bytes of a link, without the prefaces, with the end-to-end encryption. */
export interface LinkCounts {
  readonly toTenant: number;
  readonly toRemote: number;
}

/** How a link ended. */
export interface LinkEnd extends LinkCounts {
  readonly reason: CloseReason;
}

/**
 * How long the steps of a link's set-up took, each counted from the reservation, in milliseconds; undefined: not reached.
 * When the first byte came is known once the link is over, or asked for.
 */
export interface LinkSetUp {
  readonly firstLegMs: number | undefined;
  readonly pairedMs: number | undefined;
  readonly firstByteMs: number | undefined;
}

/** Whether a link's two legs came together. */
export type Pairing = { readonly outcome: "paired" } | { readonly outcome: "ended"; readonly end: LinkEnd };

/**
 * - `expected`: no leg has come yet
 * - `held`: one leg waits for the other
 * - `spliced`: both legs are there and bytes flow
 * - `closed`: over, for the reason in its end; final
 */
export type LinkState =
  | { readonly kind: "expected" }
  | { readonly kind: "held"; readonly side: Side }
  | { readonly kind: "spliced"; readonly splice: Splice }
  | { readonly kind: "closed"; readonly end: LinkEnd };

/** A link that the rendezvous expects or carries, as its owner sees it. */
export interface LinkReservation {
  readonly linkId: string;
  readonly tenant: string;
  /** For the remote redirector: names its leg. */
  readonly remoteToken: HandshakeToken;
  /** For the tenant redirector: names its leg. */
  readonly tenantToken: HandshakeToken;
  /** How long both tokens are good for, counted from the reservation, in milliseconds. */
  readonly expiresInMs: number;
  readonly state: LinkState;
  /** Resolves when the link is spliced, or when it ended before; never rejects. */
  readonly paired: Promise<Pairing>;
  /** Resolves when the link is over; never rejects. */
  readonly closed: Promise<LinkEnd>;
  /** The bytes so far, to be polled. */
  counts(): LinkCounts;
  /** The steps so far, to be polled. */
  setUp(): LinkSetUp;
  /** Ends the link at once and closes its legs. May be called twice; the first reason counts. */
  close(reason: CloseReason): void;
}

/** What a new {@link Link} is made of. */
export interface LinkOptions {
  readonly linkId: string;
  readonly tenant: string;
  /** Whose cap on bytes per second counts; undefined: no session's. */
  readonly session?: string | undefined;
  readonly remoteToken: HandshakeToken;
  readonly tenantToken: HandshakeToken;
  readonly expiresInMs: number;
  readonly clock: Clock;
  /** Called by {@link Link.close}: closes the legs and ends the link. */
  readonly onClose: (link: Link, reason: CloseReason) => void;
}

/** The rendezvous' own view of a link: the reservation, with its transitions. */
export class Link implements LinkReservation {
  readonly linkId: string;
  readonly tenant: string;
  readonly session: string | undefined;
  readonly remoteToken: HandshakeToken;
  readonly tenantToken: HandshakeToken;
  readonly expiresInMs: number;
  readonly paired: Promise<Pairing>;
  readonly closed: Promise<LinkEnd>;
  readonly #paired = Promise.withResolvers<Pairing>();
  readonly #closed = Promise.withResolvers<LinkEnd>();
  readonly #onClose: (link: Link, reason: CloseReason) => void;
  readonly #clock: Clock;
  readonly #expectedAt: number;
  #firstLegAt: number | undefined;
  #pairedAt: number | undefined;
  #firstByteAt: number | undefined;
  #state: LinkState = { kind: "expected" };

  constructor(options: LinkOptions) {
    this.linkId = options.linkId;
    this.tenant = options.tenant;
    this.session = options.session;
    this.remoteToken = options.remoteToken;
    this.tenantToken = options.tenantToken;
    this.expiresInMs = options.expiresInMs;
    this.paired = this.#paired.promise;
    this.closed = this.#closed.promise;
    this.#onClose = options.onClose;
    this.#clock = options.clock;
    this.#expectedAt = options.clock.now();
  }

  get state(): LinkState {
    return this.#state;
  }

  counts(): LinkCounts {
    switch (this.#state.kind) {
      case "expected":
      case "held":
        return { toTenant: 0, toRemote: 0 };
      case "spliced": {
        const { aToB, bToA } = this.#state.splice.counts();
        return { toTenant: aToB, toRemote: bToA };
      }
      case "closed": {
        const { toTenant, toRemote } = this.#state.end;
        return { toTenant, toRemote };
      }
    }
  }

  setUp(): LinkSetUp {
    const after = (at?: number): number | undefined => (at === undefined ? undefined : at - this.#expectedAt);
    const firstByteAt = this.#state.kind === "spliced" ? this.#state.splice.times().firstByteAt : this.#firstByteAt;
    return {
      firstLegMs: after(this.#firstLegAt),
      pairedMs: after(this.#pairedAt),
      firstByteMs: after(firstByteAt),
    };
  }

  close(reason: CloseReason): void {
    if (this.#state.kind !== "closed") this.#onClose(this, reason);
  }

  /** The first leg came. */
  hold(side: Side): void {
    this.#firstLegAt = this.#clock.now();
    this.#state = { kind: "held", side };
  }

  /** Both legs are there; the splice's `a` is the remote leg. */
  pair(splice: Splice): void {
    this.#pairedAt = splice.times().startedAt;
    this.#state = { kind: "spliced", splice };
    this.#paired.resolve({ outcome: "paired" });
  }

  /** The link is over and its legs are closed. Does nothing the second time. */
  end(reason: CloseReason): void {
    if (this.#state.kind === "closed") return;
    const end: LinkEnd = { reason, ...this.counts() };
    if (this.#state.kind === "spliced") this.#firstByteAt = this.#state.splice.times().firstByteAt;
    this.#state = { kind: "closed", end };
    this.#paired.resolve({ outcome: "ended", end });
    this.#closed.resolve(end);
  }
}

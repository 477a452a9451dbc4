import type { Socket } from "node:net";
import type { Timer } from "./clock.ts";
import { closeReason, closeReasonFrom, type CloseReason } from "./close-reason.ts";
import { DrawbridgeError } from "./errors.ts";
import { HandshakeToken } from "./handshake-token.ts";
import { Link, type LinkCounts, type LinkReservation } from "./link.ts";
import { PairingTable, type Reservation, type Side } from "./pairing-table.ts";
import { peerAddress } from "./peer-address.ts";
import { receivePreface } from "./preface-reception.ts";
import {
  resolveRendezvousOptions,
  type RendezvousOptions,
  type ResolvedRendezvousOptions,
} from "./rendezvous-options.ts";
import { MADE_ROOM, SilentSockets } from "./silent-sockets.ts";

/**
 * - `open`: takes reservations and legs
 * - `draining`: takes the legs of links that it knows, no new links, until the last link is over or the timer fires
 * - `closed`: every socket is closed, or about to be by whoever splices; final
 */
type RendezvousState =
  | { readonly kind: "open" }
  | { readonly kind: "draining"; readonly timer: Timer }
  | { readonly kind: "closed"; readonly reason: CloseReason };

/** A leg in the pairing table, with the listener that watches it while it waits. */
interface WaitingLeg {
  readonly socket: Socket;
  onClose: (() => void) | undefined;
}

/** Figures for metrics. The first four are gauges, the rest only grow. */
export interface RendezvousStats {
  /** Sockets whose preface has not come. */
  readonly silentSockets: number;
  /** Links of which a leg is still missing. */
  readonly expectedLinks: number;
  /** Legs that wait for their other leg. */
  readonly waitingLegs: number;
  /** Links through which bytes can flow. */
  readonly splicedLinks: number;
  readonly pairedTotal: number;
  readonly refusedTotal: number;
  /** Bytes of all links, those that run and those that are over. */
  readonly bytes: LinkCounts;
}

/** Expired reservations are swept together, at most this often. */
const MIN_SWEEP_MS = 100;

const ignoreError = (): void => {};

/** Pairs legs by their handshake tokens and splices them. Does not listen: a gateway hands it sockets. */
export class Rendezvous {
  /** Resolves when every link is over and every socket destroyed; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #closed = Promise.withResolvers<CloseReason>();
  readonly #options: ResolvedRendezvousOptions;
  readonly #table: PairingTable<WaitingLeg>;
  readonly #silent: SilentSockets;
  readonly #links = new Map<string, Link>();
  #state: RendezvousState = { kind: "open" };
  #sweep: Timer | undefined;
  #pairedTotal = 0;
  #refusedTotal = 0;
  #endedBytes: LinkCounts = { toTenant: 0, toRemote: 0 };

  constructor(options: RendezvousOptions = {}) {
    this.#options = resolveRendezvousOptions(options);
    this.#table = new PairingTable(this.#options);
    this.#silent = new SilentSockets({ inAll: this.#options.silentInAll, perAddress: this.#options.silentPerAddress });
    this.closed = this.#closed.promise;
  }

  /**
   * Expects the two legs of a new link, and makes their tokens.
   *
   * @throws DrawbridgeError `limit-exceeded`; `shutting-down`; `internal` when the link is there already
   */
  expect(link: { readonly linkId: string; readonly tenant: string; readonly session?: string }): LinkReservation {
    const { tokenLifeMs, linksInAll, clock } = this.#options;
    if (this.#state.kind !== "open") throw new DrawbridgeError("shutting-down", "the rendezvous is shutting down");
    if (this.#links.has(link.linkId)) throw new DrawbridgeError("internal", `link ${link.linkId} is there already`);
    if (this.#links.size >= linksInAll) {
      const message = `the rendezvous carries ${linksInAll} links, which is its limit`;
      throw new DrawbridgeError("limit-exceeded", message, { limit: "links" });
    }
    const reservation = new Link({
      ...link,
      remoteToken: HandshakeToken.generate(),
      tenantToken: HandshakeToken.generate(),
      expiresInMs: tokenLifeMs,
      clock,
      onClose: (closing, reason) => this.#close(closing, reason),
    });
    const { remoteToken, tenantToken } = reservation;
    this.#table.reserve({ ...link, remoteToken, tenantToken, expiresAt: clock.now() + tokenLifeMs });
    this.#links.set(reservation.linkId, reservation);
    this.#armSweep();
    return reservation;
  }

  /**
   * Takes over a socket that is to become a leg, with the bytes of it that were read already. The socket must be made
   * with `allowHalfOpen`. It is closed without a word unless a valid preface comes in time.
   *
   * @param onPreface called when it has come. Must not throw.
   */
  accept(socket: Socket, head?: Buffer, onPreface?: () => void): void {
    // For its whole life: the close that follows an error is what counts here.
    socket.on("error", ignoreError);
    const address = peerAddress(socket).host;
    if (this.#state.kind === "closed") {
      this.#refuse(socket, address, closeReason("shutting-down", "shutting down"));
      return;
    }
    const reason = this.#silent.add(socket, address);
    if (reason !== undefined) {
      this.#refuse(socket, address, reason);
      return;
    }
    socket.setNoDelay(true).setKeepAlive(true, this.#options.keepAliveDelayMs);
    if (head !== undefined && head.length > 0) socket.unshift(head);
    const { prefaceTimeoutMs: timeoutMs, clock } = this.#options;
    receivePreface(socket, { timeoutMs, clock }).then(
      (token) => {
        this.#silent.delete(socket);
        onPreface?.();
        this.#arrive(token, socket, address);
      },
      (error: unknown) => {
        const wasThere = this.#silent.delete(socket);
        this.#refuse(socket, address, wasThere ? closeReasonFrom(error) : MADE_ROOM);
      },
    );
  }

  /** Figures for metrics, to be polled. Takes time in proportion to the number of links. */
  stats(): RendezvousStats {
    let { toTenant, toRemote } = this.#endedBytes;
    for (const link of this.#links.values()) {
      const counts = link.counts();
      toTenant += counts.toTenant;
      toRemote += counts.toRemote;
    }
    return {
      silentSockets: this.#silent.size,
      expectedLinks: this.#table.size,
      waitingLegs: this.#table.waiting,
      splicedLinks: this.#links.size - this.#table.size,
      pairedTotal: this.#pairedTotal,
      refusedTotal: this.#refusedTotal,
      bytes: { toTenant, toRemote },
    };
  }

  /** Takes no new links, lets those that are there end by themselves, and ends the rest after `deadlineMs`. */
  drain(deadlineMs = 10_000): Promise<CloseReason> {
    if (this.#state.kind === "open") {
      const force = (): void =>
        this.destroy(closeReason("shutting-down", "the rendezvous shut down before the link ended"));
      this.#state = { kind: "draining", timer: this.#options.clock.setTimer(deadlineMs, force) };
      this.#closeWhenOver();
    }
    return this.closed;
  }

  /** Closes every socket and ends every link at once. May be called twice; the first reason counts. */
  destroy(reason: CloseReason): void {
    if (this.#state.kind === "closed") return;
    if (this.#state.kind === "draining") this.#state.timer.cancel();
    this.#state = { kind: "closed", reason };
    this.#sweep?.cancel();
    this.#silent.destroy();
    for (const link of this.#links.values()) this.#close(link, reason);
    this.#closeWhenOver();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  #arrive(token: HandshakeToken, socket: Socket, address: string): void {
    if (socket.destroyed) {
      this.#refuse(socket, address, closeReason("closed", "the leg closed the connection"));
      return;
    }
    const leg: WaitingLeg = { socket, onClose: undefined };
    const arrival = this.#table.arrive(token, leg, { address }, this.#options.clock.now());
    switch (arrival.outcome) {
      case "refused": {
        this.#refuse(socket, address, arrival.reason);
        return;
      }
      case "held": {
        this.#hold(this.#link(arrival.reservation), leg, arrival.side);
        return;
      }
      case "paired": {
        this.#splice(this.#link(arrival.reservation), arrival.remote, arrival.tenant);
        return;
      }
    }
  }

  /** Every reservation in the table has its link here: both come and go together. */
  #link(reservation: Reservation): Link {
    const link = this.#links.get(reservation.linkId);
    if (link === undefined) throw new DrawbridgeError("internal", `link ${reservation.linkId} is in the table only`);
    return link;
  }

  #hold(link: Link, leg: WaitingLeg, side: Side): void {
    const reason = closeReason("closed", `the ${side} leg closed the connection before the other leg came`);
    leg.onClose = () => this.#close(link, reason);
    leg.socket.once("close", leg.onClose);
    link.hold(side);
  }

  #splice(link: Link, remote: WaitingLeg, tenant: WaitingLeg): void {
    const running = this.#options.splicer.splice(release(remote), release(tenant), link);
    this.#pairedTotal += 1;
    link.pair(running);
    void running.closed.then((reason) => this.#finish(link, reason));
  }

  #close(link: Link, reason: CloseReason): void {
    const held = this.#table.cancel(link.linkId)?.held;
    if (held !== undefined) release(held.leg).destroy();
    // What a splice has counted is final when it is closed, and not before.
    if (link.state.kind === "spliced") link.state.splice.destroy(reason);
    else this.#finish(link, reason);
  }

  /** Forgets a link whose legs are closed. Does nothing the second time. */
  #finish(link: Link, reason: CloseReason): void {
    if (!this.#links.delete(link.linkId)) return;
    const { toTenant, toRemote } = link.counts();
    this.#endedBytes = {
      toTenant: this.#endedBytes.toTenant + toTenant,
      toRemote: this.#endedBytes.toRemote + toRemote,
    };
    link.end(reason);
    this.#closeWhenOver();
  }

  #closeWhenOver(): void {
    if (this.#links.size > 0) return;
    if (this.#state.kind === "draining") this.destroy(closeReason("shutting-down", "the rendezvous shut down"));
    else if (this.#state.kind === "closed") this.#closed.resolve(this.#state.reason);
  }

  #refuse(socket: Socket, address: string, reason: CloseReason): void {
    this.#refusedTotal += 1;
    socket.destroy();
    this.#options.onRefused({ reason, address });
  }

  #armSweep(): void {
    const next = this.#sweep === undefined ? this.#table.nextExpiry() : undefined;
    if (next === undefined) return;
    const delayMs = Math.max(MIN_SWEEP_MS, next - this.#options.clock.now());
    this.#sweep = this.#options.clock.setTimer(delayMs, () => {
      this.#sweep = undefined;
      for (const { reservation, held } of this.#table.expire(this.#options.clock.now())) {
        if (held !== undefined) release(held.leg).destroy();
        const missing = held === undefined ? "neither leg" : `no ${held.side === "remote" ? "tenant" : "remote"} leg`;
        this.#finish(
          this.#link(reservation),
          closeReason("expired", `${missing} came within ${this.#options.tokenLifeMs} ms`),
        );
      }
      this.#armSweep();
    });
  }
}

/** Ends the watch over a leg that waited, if it did. */
function release(leg: WaitingLeg): Socket {
  if (leg.onClose !== undefined) leg.socket.off("close", leg.onClose);
  return leg.socket;
}

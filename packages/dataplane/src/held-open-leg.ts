import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "./clock.ts";
import { closeAtEnd } from "./leg-end.ts";

const endTogether = new WeakSet<Socket>();

/**
 * Says of a connection that somebody on its way ends it in both directions as soon as one side has ended: an HTTP proxy
 * has to (RFC 9110, section 9.3.6).
 */
export function setEndsTogether(socket: Socket): void {
  endTogether.add(socket);
}

/**
 * What the end-to-end encryption of a leg runs over: the leg itself, or, where its directions cannot end one by one, a
 * stream over it whose end is kept back. The close_notify inside tells the other end that a direction is over; the
 * connection ends when the stream is closed, after both.
 *
 * Such a stream goes through JavaScript and costs about a third more, so it is used only where it must be.
 */
export function heldOpen(leg: Socket, clock?: Clock): Duplex {
  return endTogether.has(leg) ? new HeldOpenLeg(leg, clock) : leg;
}

/** See {@link heldOpen}. */
export class HeldOpenLeg extends Duplex {
  readonly #leg: Socket;
  readonly #clock: Clock;

  constructor(leg: Socket, clock = systemClock) {
    super({ allowHalfOpen: true });
    this.#leg = leg;
    this.#clock = clock;
    leg.on("data", this.#onData);
    leg.once("end", () => this.push(null));
    leg.once("close", () => this.destroy());
    leg.pause();
  }

  override _read(): void {
    this.#leg.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#leg.write(chunk, callback);
  }

  override _final(callback: () => void): void {
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (error === null && this.writableFinished) this.#closeInOrder();
    else this.#leg.destroy();
    callback(error);
  }

  /** See `outliveStream`: the end of a leg over TLS may still come, and must find somebody. */
  #closeInOrder(): void {
    const leg = this.#leg;
    if (!(leg instanceof TLSSocket) || leg.readableEnded || leg.destroyed) return leg.destroySoon();
    leg.off("data", this.#onData).end();
    closeAtEnd(leg, this.#clock, () => leg.destroySoon());
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#leg.pause();
  };
}

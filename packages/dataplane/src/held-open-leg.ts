import type { Socket } from "node:net";
import { Duplex } from "node:stream";

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
export function heldOpen(leg: Socket): Duplex {
  return endTogether.has(leg) ? new HeldOpenLeg(leg) : leg;
}

/** See {@link heldOpen}. */
export class HeldOpenLeg extends Duplex {
  readonly #leg: Socket;

  constructor(leg: Socket) {
    super({ allowHalfOpen: true });
    this.#leg = leg;
    leg.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) leg.pause();
    });
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
    if (error === null && this.writableFinished) this.#leg.destroySoon();
    else this.#leg.destroy();
    callback(error);
  }
}

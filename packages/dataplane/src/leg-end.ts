import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Clock } from "./clock.ts";
import { readingHandle } from "./native-handle.ts";

/** How long a leg over TLS whose stream is done waits for its own end, in milliseconds. */
export const LEG_END_MS = 30_000;

/**
 * Whether the TLS connection of a leg has come to its end, by a close_notify of its own or without, though another stream
 * reads from it and its own socket hears nothing.
 *
 * Node's TLS handle answers every `readStart` with 0 then (src/crypto/crypto_tls.cc: `TLSWrap::ReadStart`); before, the
 * second one finds that it is reading already.
 *
 * @param isPaused whether the handle is to read no more afterwards
 */
export function hasEnded(leg: TLSSocket, isPaused: boolean): boolean {
  const handle = readingHandle(leg);
  if (handle === undefined) return true;
  handle.readStart();
  const ended = handle.readStart() === 0;
  if (isPaused) handle.readStop();
  return ended;
}

/**
 * Throws away what still comes on a leg, and closes it when it ends, or after {@link LEG_END_MS}.
 *
 * @param close closes it once it has ended
 */
export function closeAtEnd(leg: Socket, clock: Clock, close: () => void): void {
  const timer = clock.setTimer(LEG_END_MS, () => leg.destroy());
  leg.once("close", () => timer.cancel()).once("end", close);
  leg.resume();
}

/**
 * Lets a leg over TLS outlive the stream inside of it, where that was closed after both its ends, until the leg ends too.
 *
 * The other side's end comes on such a leg in two steps: the close_notify inside, which ends the stream, and the leg's
 * own. If the socket were closed in between, the second would come as data to a closed socket; the operating system
 * answers that with a reset and throws away what it has still to send (RFC 1122, 4.2.2.13): the other side would be cut
 * off from bytes that were written and ended in order. Below a stream on a raw leg comes nothing more but TCP's end.
 */
export function outliveStream(leg: Duplex, stream: TLSSocket, clock: Clock): void {
  if (!(leg instanceof TLSSocket)) return;
  const destroy = leg.destroy.bind(leg);
  // Node calls this when it closes the stream (lib/internal/tls/wrap.js: `TLSWrap.prototype.close`).
  leg.destroy = (error) => {
    leg.destroy = destroy;
    const inOrder = stream.errored === null && stream.readableEnded && stream.writableFinished;
    if (error !== undefined || !inOrder) return destroy(error);
    const handle = readingHandle(stream);
    // A turn later, because this may be called from inside of OpenSSL's reading.
    setImmediate(() => {
      if (leg.destroyed) return;
      if (handle?.destroySSL === undefined || hasEnded(leg, false)) return void destroy();
      handle.destroySSL();
      closeAtEnd(leg, clock, destroy);
    });
    return leg;
  };
}

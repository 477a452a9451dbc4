import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { DrawbridgeError } from "./errors.ts";
import { HeldOpenLeg } from "./held-open-leg.ts";
import { hasEnded } from "./leg-end.ts";
import { readingHandle } from "./native-handle.ts";

/**
 * Lets a TLS stream end in order only by a close_notify, which nobody between the two ends can make (RFC 8446, 6.1). One
 * whose TCP connection just ends was cut off: it is destroyed with the error `closed`, and no `end` is emitted.
 *
 * Node reports both alike, as an end. But libuv stops reading at the end of a connection and goes on after a
 * close_notify, and that can be asked for at the moment of the end, when the end is pushed: whether the raw handle still
 * reads, or back-pressure had stopped it before (then no end of the connection can have been read). Of a leg that is inside
 * of TLS itself it is asked whether that has ended. A duplex of our own under the TLS stream could tell by documented
 * means, at a third more CPU on both ends.
 *
 * @param leg the socket, or the stream over one, below the stream
 * @param peer who is at the other end, for the error's text
 */
export function requireCloseNotify(stream: TLSSocket, leg: Duplex, peer: string): void {
  const push = stream.push.bind(stream);
  let ended = false;
  stream.push = (chunk, encoding) => {
    // After a close_notify the end of the connection follows, and Node pushes the end again.
    if (chunk !== null || ended) return push(chunk, encoding);
    ended = true;
    if (!wasCutOff(stream, leg)) return push(null);
    stream.destroy(new DrawbridgeError("closed", `the connection to ${peer} was cut off before its end`));
    return false;
  };
}

function wasCutOff(stream: TLSSocket, leg: Duplex): boolean {
  // A stream of our own ends only with the connection, and does even while its reader makes it wait.
  if (leg instanceof HeldOpenLeg) return leg.readableEnded;
  const isPaused = readingHandle(stream)?.reading === false;
  // So does TLS: a close_notify of the leg's may stand right behind the bytes that made the reader wait.
  if (leg instanceof TLSSocket) return hasEnded(leg, isPaused);
  if (isPaused) return false;
  // Where there is no such handle, nothing vouches for the end.
  return (readingHandle(leg)?.readStart() ?? 0) === 0;
}

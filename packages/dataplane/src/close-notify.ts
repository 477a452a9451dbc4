import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { DrawbridgeError } from "./errors.ts";
import { HeldOpenLeg } from "./held-open-leg.ts";

/** What is used here of Node's native handles, which are not in its documentation. */
interface NativeHandle {
  /** Whether JavaScript wants to read: false while back-pressure holds the stream. */
  readonly reading?: boolean;
  /** 0, or libuv's UV_EALREADY when the handle is reading as it is. */
  readStart(): number;
}

/**
 * Lets a TLS stream end in order only by a close_notify, which nobody between the two ends can make (RFC 8446, 6.1). One
 * whose TCP connection just ends was cut off: it is destroyed with the error `closed`, and no `end` is emitted.
 *
 * Node reports both alike, as an end. But libuv stops reading at the end of a connection and goes on after a
 * close_notify, and that can be asked for at the moment of the end, when the end is pushed: whether the raw handle still
 * reads, or back-pressure had stopped it before (then no end of the connection can have been read). A duplex of our own
 * under the TLS stream could tell by documented means, at a third more CPU on both ends.
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
  if (handleOf(stream)?.reading === false) return false;
  // A stream of our own ends only with the connection.
  if (leg instanceof HeldOpenLeg) return leg.readableEnded;
  // Where there is no such handle, nothing vouches for the end.
  return (handleOf(leg)?.readStart() ?? 0) === 0;
}

function handleOf(socket: Duplex): NativeHandle | undefined {
  return (socket as unknown as { readonly _handle?: NativeHandle | null })._handle ?? undefined;
}

import type { Duplex } from "node:stream";

/**
 * Carries bytes between two sockets or other streams, both ways, each direction to its own end; what breaks one breaks the other.
 *
 * A socket that closes in order breaks nothing: all that came from it has been handed to the other, which may still be sending.
 */
export function joinSockets(one: Duplex, other: Duplex): void {
  one.pipe(other).pipe(one);
  breakWith(one, other);
  breakWith(other, one);
}

function breakWith(broken: Duplex, other: Duplex): void {
  broken.once("close", () => {
    if (!broken.readableEnded || !broken.writableFinished) other.destroy();
  });
}

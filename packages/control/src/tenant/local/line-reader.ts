import type { Socket } from "node:net";
import { DrawbridgeError } from "@drawbridge/dataplane";

/**
 * The lines that a socket delivers, without their ends. Ends when the socket does; what follows the last line's end is
 * dropped. The socket stays open when the caller stops reading.
 *
 * Errors: `protocol-violation` for a line of more than `maxBytes`; what the socket throws.
 */
export async function* readLines(socket: Socket, maxBytes: number): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      if (end > maxBytes) throw tooLong(maxBytes);
      yield rest.subarray(0, end).toString("utf8");
      rest = rest.subarray(end + 1);
    }
    if (rest.length > maxBytes) throw tooLong(maxBytes);
  }
}

const NEWLINE = 0x0a;

function tooLong(maxBytes: number): DrawbridgeError {
  return new DrawbridgeError("protocol-violation", `a line on the local socket has more than ${maxBytes} bytes`);
}

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { nativeHandle } from "../native-handle.ts";

/** What is used here of Node's native handles, which are not in its documentation; as in `fast-flow.ts`. */
interface NativeHandle {
  /** The file descriptor; below 0 when there is none, and on Windows. */
  readonly fd: number;
  reading: boolean;
  readStop(): number;
}

/**
 * Whether a socket can go to another process: a live TCP socket of the operating system's to which everything is written
 * that was to be. A TLS socket cannot, because its keys stay here.
 */
export function canHandOver(stream: Duplex): stream is Socket {
  if (!(stream instanceof Socket) || stream instanceof TLSSocket || stream.connecting || stream.destroyed) return false;
  if (stream.writableLength > 0 || stream.writableEnded) return false;
  const handle = handleOf(stream);
  return handle !== undefined && handle.fd > 0 && typeof handle.readStop === "function";
}

/**
 * Stops reading from a socket for good, and takes what was read from it already. `pause` would not do: Node reads on until
 * its own buffer is full, and what it reads while the socket is being sent is lost.
 */
export function takeEarlyBytes(socket: Socket): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) break;
    chunks.push(chunk);
  }
  // Last, because `read` starts to read again.
  const handle = handleOf(socket);
  if (handle !== undefined) {
    handle.reading = false;
    handle.readStop();
  }
  return Buffer.concat(chunks);
}

/**
 * Lets a socket be sent without the server that accepted it. Otherwise Node would have the server ask every process for
 * the sockets that it was sent before it closes, and (26.10) wait for ever once such a process has died.
 */
export function forgetServer(socket: Socket): void {
  Object.assign(socket, { server: null });
}

function handleOf(socket: Socket): NativeHandle | undefined {
  return nativeHandle(socket) as NativeHandle | undefined;
}

import type { Duplex } from "node:stream";

/** What is used of Node's native handles where ends are told apart; it is not in Node's documentation. */
export interface ReadingHandle {
  /** Whether JavaScript wants to read: false while back-pressure holds the stream. */
  readonly reading?: boolean;
  /** 0, or libuv's UV_EALREADY when the handle is reading as it is. */
  readStart(): number;
  readStop(): number;
  /** Only of TLS: frees what OpenSSL keeps, and gives the stream below back to its own socket. May be called twice. */
  destroySSL?(): void;
}

/** The native handle of a stream, which is not in Node's documentation; undefined where there is none, or none any more. */
export function nativeHandle(stream: Duplex): object | undefined {
  return (stream as unknown as { readonly _handle?: object | null })._handle ?? undefined;
}

/** The same, of a socket that is read from. */
export function readingHandle(socket: Duplex): ReadingHandle | undefined {
  return nativeHandle(socket) as ReadingHandle | undefined;
}

import type { Socket } from "node:net";
import { systemClock, type Clock } from "./clock.ts";
import { DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import { PrefaceReader } from "./preface.ts";

/** How long {@link receivePreface} waits. */
export interface PrefaceReceptionOptions {
  /** From the call to the preface's last byte, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The design's preface deadline, in milliseconds. */
export const DEFAULT_PREFACE_TIMEOUT_MS = 5000;

/**
 * Reads the preface from a socket. Bytes that came behind it are put back, and the socket reads on only until its own
 * buffer is full. Does not close the socket; the caller keeps an `error` listener on it.
 *
 * @throws DrawbridgeError `protocol-violation`, `handshake-timeout`, or `closed` when the socket ended before
 */
export function receivePreface(socket: Socket, options: PrefaceReceptionOptions = {}): Promise<HandshakeToken> {
  const { timeoutMs = DEFAULT_PREFACE_TIMEOUT_MS, clock = systemClock } = options;
  const { promise, resolve, reject } = Promise.withResolvers<HandshakeToken>();
  const reader = new PrefaceReader();
  const settle = (): void => {
    timer.cancel();
    socket.off("readable", onReadable).off("end", onGone).off("close", onGone);
  };
  const fail = (error: DrawbridgeError): void => {
    settle();
    reject(error);
  };
  const onGone = (): void =>
    fail(new DrawbridgeError("closed", "the connection ended before its preface was complete"));
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    try {
      const progress = reader.push(chunk);
      if (progress.state === "incomplete") return;
      settle();
      if (progress.rest.length > 0) socket.unshift(progress.rest);
      resolve(progress.token);
    } catch (error) {
      fail(toDrawbridgeError(error));
    }
  };
  const timer = clock.setTimer(timeoutMs, () =>
    fail(new DrawbridgeError("handshake-timeout", `no complete preface came within ${timeoutMs} ms`)),
  );
  if (socket.destroyed) onGone();
  else socket.on("readable", onReadable).on("end", onGone).on("close", onGone);
  return promise;
}

import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { formatAddress, type Address } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { abortError, DrawbridgeError } from "./errors.ts";
import { LEG_ALPN, type LegTrust } from "./leg-trust.ts";

/** How long {@link wrapLegInTls} waits, and for whom. */
export interface TlsLegOptions {
  /** For the handshake, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

const ignoreError = (): void => {};

/**
 * Runs TLS 1.3 to the cloud redirector on a connection to its public port, for a leg where only TLS gets through. Sends no
 * certificate: the leg's token says whose it is, and the end-to-end encryption runs inside as on any leg.
 *
 * The stream that it returns stands for the socket: it allows half-open use, and its close closes the socket.
 *
 * @param socket a connection that has carried nothing yet
 * @param address where it leads, for the errors' texts
 * @throws DrawbridgeError `dial-failed` where the server does not do this, `certificate-invalid`, `cancelled`; the socket
 *   is closed then
 */
export async function wrapLegInTls(
  socket: Socket,
  address: Address,
  trust: LegTrust,
  options: TlsLegOptions = {},
): Promise<TLSSocket> {
  const { timeoutMs = 10_000, signal, clock = systemClock } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const name = formatAddress(address);
  const stream = connect({
    socket,
    minVersion: "TLSv1.3",
    ca: [...trust.certificateAuthorities],
    servername: trust.serverName,
    ALPNProtocols: [LEG_ALPN],
  });
  const onError = (error: Error): void => reject(handshakeError(error, stream, name));
  const onClose = (): void => reject(handshakeError(undefined, stream, name));
  const onAbort = (): void => reject(abortError(signal as AbortSignal));
  const timer = clock.setTimer(timeoutMs, () => reject(lateError(name, timeoutMs)));
  signal?.addEventListener("abort", onAbort);
  stream.on("error", ignoreError).once("error", onError).once("close", onClose).once("secureConnect", resolve);
  if (signal?.aborted === true) onAbort();
  try {
    await promise;
    if (stream.alpnProtocol !== LEG_ALPN) throw noTlsLegs(name, undefined);
    stream.allowHalfOpen = true;
    // A record that was tampered with is an error, and leaves the stream open.
    stream.on("error", () => stream.destroy());
    return stream;
  } catch (error) {
    stream.destroy();
    socket.destroy();
    throw error;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
    stream.off("error", onError).off("close", onClose);
  }
}

function handshakeError(error: Error | undefined, stream: TLSSocket, name: string): DrawbridgeError {
  // Declared as an Error, but Node sets OpenSSL's code as a text; null before the chain was looked at.
  const verdict = stream.authorizationError as unknown;
  if (typeof verdict !== "string") return noTlsLegs(name, error);
  return new DrawbridgeError("certificate-invalid", `the server at ${name} is not the provider's (${verdict})`, {
    remedy: "Check the address, and this machine's clock; somebody may be in between.",
    cause: error,
  });
}

function noTlsLegs(name: string, cause: unknown): DrawbridgeError {
  return new DrawbridgeError("dial-failed", `no leg over TLS can be made at ${name}: it does not take part`, {
    remedy: "The provider's cloud redirector may be too old for it, or a firewall closes such connections.",
    cause,
  });
}

function lateError(name: string, timeoutMs: number): DrawbridgeError {
  return new DrawbridgeError("dial-failed", `${name} did not complete a leg's TLS handshake within ${timeoutMs} ms`, {
    remedy: "Check that no firewall drops the connection.",
  });
}

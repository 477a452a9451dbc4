import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { systemClock, type Clock, type Timer } from "./clock.ts";
import { requireCloseNotify } from "./close-notify.ts";
import { acceptingServer, clientContext, END_TO_END_ALPN, type EndToEndIdentity } from "./end-to-end-contexts.ts";
import { abortError, DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import { heldOpen } from "./held-open-leg.ts";
import { outliveStream } from "./leg-end.ts";
import { overEitherWay } from "./leg-ways.ts";
import { fromTlsError } from "./tls-error.ts";

export { END_TO_END_ALPN } from "./end-to-end-contexts.ts";

/** Who this end is, whom it trusts, and what the link is for. */
export interface EndToEndTlsOptions extends EndToEndIdentity {
  /**
   * Decides on the other end's identity, by its leaf certificate (DER), after the chain was verified. Throws a
   * DrawbridgeError to refuse. Host names are not looked at.
   */
  readonly verifyPeer: (leafCertificate: Buffer) => void;
  /**
   * What the link is for, as a host name: the remote redirector's end sends it as server name (RFC 6066, section 3), and
   * the tenant redirector's end refuses any other. The handshake covers it, so nobody in between can change it.
   */
  readonly serverName: string;
  /** Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** Gives up when aborted; has no effect on a stream that was returned. */
  readonly signal?: AbortSignal;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The default of {@link EndToEndTlsOptions.handshakeTimeoutMs}. */
export const DEFAULT_TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

const ignoreError = (): void => {};

/** Node reports a record that was tampered with, and leaves the stream open. */
function closeOnError(stream: TLSSocket): TLSSocket {
  return stream.on("error", () => stream.destroy());
}

function wrongServerName(peer: string): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `${peer} was led to another session or target than it asked for`, {
    remedy: "Somebody may be in between: check with the provider before you try again.",
  });
}

/** One handshake: settles once, gives its listeners up, and closes the leg when it fails. */
class Handshake {
  readonly #leg: Duplex;
  readonly #peer: string;
  readonly #options: EndToEndTlsOptions;
  readonly #timer: Timer;
  readonly #result = Promise.withResolvers<TLSSocket>();

  constructor(leg: Duplex, peer: string, options: EndToEndTlsOptions) {
    const { handshakeTimeoutMs = DEFAULT_TLS_HANDSHAKE_TIMEOUT_MS, clock = systemClock, signal } = options;
    this.#leg = leg;
    this.#peer = peer;
    this.#options = options;
    const late = new DrawbridgeError("handshake-timeout", `${peer} did not complete the end-to-end handshake in time`);
    this.#timer = clock.setTimer(handshakeTimeoutMs, () => this.fail(late));
    signal?.addEventListener("abort", this.#onAbort);
    // For the leg's whole life: a write from before the handshake may still fail. Its close ends the TLS stream.
    leg.on("error", ignoreError);
  }

  get result(): Promise<TLSSocket> {
    return this.#result.promise;
  }

  /** The chain was verified; now the protocol and the identity are. */
  complete(stream: TLSSocket): void {
    try {
      const leaf = stream.getPeerX509Certificate();
      if (!stream.authorized || leaf === undefined) {
        throw new DrawbridgeError("certificate-invalid", `${this.#peer} showed no certificate that is valid here`);
      }
      if (stream.alpnProtocol !== END_TO_END_ALPN) {
        throw new DrawbridgeError("protocol-violation", `${this.#peer} does not speak ${END_TO_END_ALPN}`);
      }
      if (stream.isSessionReused()) {
        throw new DrawbridgeError("protocol-violation", `${this.#peer} resumed a session, which proves nothing new`);
      }
      this.#options.verifyPeer(leaf.raw);
      if (stream.servername !== this.#options.serverName) throw wrongServerName(this.#peer);
    } catch (error) {
      this.fail(toDrawbridgeError(error, "certificate-invalid"));
      return;
    }
    requireCloseNotify(stream, this.#leg, this.#peer);
    outliveStream(this.#leg, stream, this.#options.clock ?? systemClock);
    setImmediate(() => this.#handOver(stream));
  }

  /**
   * Node tells of the handshake's end from inside of OpenSSL's reading, so the stream is handed over a turn later. Before
   * version 26 Node calls a write from in there done before it is (src/crypto/crypto_tls.cc: `TLSWrap::EncOut`), and the
   * end of a stream that ends at once then overtakes its close_notify: the other side rightly sees a cut.
   */
  #handOver(stream: TLSSocket): void {
    if (stream.destroyed) return this.fail(stream.errored ?? new Error("the connection was closed"), stream);
    this.#settle();
    this.#result.resolve(stream);
  }

  fail(error: unknown, stream?: TLSSocket): void {
    this.#settle();
    this.#leg.destroy();
    this.#result.reject(fromTlsError(error, this.#peer, stream));
  }

  #settle(): void {
    this.#timer.cancel();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => {
    if (this.#options.signal !== undefined) this.fail(abortError(this.#options.signal));
  };
}

function begin(
  leg: Socket,
  peer: string,
  options: EndToEndTlsOptions,
  start: (handshake: Handshake, leg: Duplex) => void,
): Promise<TLSSocket> {
  return overEitherWay(leg, options, (way, signal) =>
    beginOver(heldOpen(way, options.clock), peer, { ...options, signal }, start),
  );
}

function beginOver(
  leg: Duplex,
  peer: string,
  options: EndToEndTlsOptions,
  start: (handshake: Handshake, leg: Duplex) => void,
): Promise<TLSSocket> {
  const handshake = new Handshake(leg, peer, options);
  if (options.signal?.aborted === true) handshake.fail(abortError(options.signal));
  else if (leg.destroyed || leg.readableEnded)
    handshake.fail(new DrawbridgeError("closed", "the leg was closed before the end-to-end handshake"));
  else start(handshake, leg);
  return handshake.result;
}

/**
 * The remote redirector's end of the end-to-end encryption, as TLS client. The leg's preface was written, nothing was
 * read. The stream that it returns stands for the leg: it allows half-open use, and its close closes the leg. It ends
 * only when the other end says so inside the encryption; a leg that is cut off makes it fail with `closed`.
 *
 * In TLS 1.3 the client is done before the server has looked at the client's certificate: a tenant that refuses it
 * closes the stream right after this has succeeded.
 *
 * @throws DrawbridgeError `certificate-invalid`, `handshake-timeout`, `protocol-violation`, `closed`, `cancelled`, and
 *   what `verifyPeer` throws; the leg is closed then
 */
export function encryptRemoteLeg(remoteLeg: Socket, options: EndToEndTlsOptions): Promise<TLSSocket> {
  return begin(remoteLeg, "the tenant redirector", options, (handshake, leg) => {
    // The identity is in the certificate's URI and is verifyPeer's to judge; there is no host name to compare.
    const stream = connect({
      secureContext: clientContext(options),
      ALPNProtocols: [END_TO_END_ALPN],
      rejectUnauthorized: true,
      servername: options.serverName,
      socket: leg,
      checkServerIdentity: () => undefined,
    });
    // For checkServerIdentity, which looks at nothing, Node makes objects of the whole chain: 0.1 ms on every link's way.
    stream.getPeerCertificate = (): DetailedPeerCertificate => ({}) as DetailedPeerCertificate;
    const onError = (error: Error): void => handshake.fail(error, stream);
    const onClose = (): void => handshake.fail(new Error("the connection was closed"), stream);
    closeOnError(stream).once("error", onError).once("close", onClose);
    stream.once("secureConnect", () => {
      Reflect.deleteProperty(stream, "getPeerCertificate");
      stream.off("error", onError).off("close", onClose);
      handshake.complete(stream);
    });
  });
}

/**
 * The tenant redirector's end of the end-to-end encryption, as TLS server; otherwise as {@link encryptRemoteLeg}.
 *
 * @throws DrawbridgeError as {@link encryptRemoteLeg} does; `certificate-invalid` also for another server name
 */
export function acceptTenantLeg(tenantLeg: Socket, options: EndToEndTlsOptions): Promise<TLSSocket> {
  return begin(tenantLeg, "the remote redirector", options, (handshake, leg) => {
    // With half-open use allowed, Node would let a handshake wait for a client that has ended its side.
    leg.allowHalfOpen = false;
    const server = acceptingServer(options, {
      secured: (stream) => {
        leg.allowHalfOpen = stream.allowHalfOpen = true;
        handshake.complete(closeOnError(stream));
      },
      failed: (error, stream) => handshake.fail(error, stream),
    });
    server.emit("connection", leg);
  });
}

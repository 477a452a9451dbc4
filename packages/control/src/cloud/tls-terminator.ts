import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import { createServer } from "node:tls";
import { fingerprintHex, keyFingerprint } from "../identity/index.ts";

/** What a TLS terminator is made of. */
export interface TlsTerminatorOptions {
  /** The server's certificate and the CA's behind it, PEM. */
  certificateChain: string;
  privateKey: string;
  /** The CAs whose client certificates are accepted, PEM. */
  certificateAuthorities: string[];
  /** Takes over a connection whose handshake is complete. */
  onConnection: (socket: TLSSocket) => void;
  /** How long a handshake may take, in milliseconds. Default 5,000. */
  handshakeTimeoutMs?: number;
}

/**
 * TLS 1.3 for the control plane. Asks for a client certificate and lets a connection without one through, since
 * enrolment has none yet; a certificate that is not from the provider's CA counts as none.
 *
 * Keeps track of connections by the key they were made with, so that a principal can be cut off at once.
 */
export class TlsTerminator {
  readonly #server: Server;
  readonly #connections = new Set<TLSSocket>();
  readonly #byKey = new Map<string, Set<TLSSocket>>();

  constructor(options: TlsTerminatorOptions) {
    this.#server = createServer({
      minVersion: "TLSv1.3",
      cert: options.certificateChain,
      key: options.privateKey,
      ca: options.certificateAuthorities,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      handshakeTimeout: options.handshakeTimeoutMs ?? 5_000,
      noDelay: true,
    });
    this.#server.on("secureConnection", (socket) => {
      this.#track(socket);
      options.onConnection(socket);
    });
    // A handshake that fails ends its socket; it is nobody's error but the peer's.
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** Takes over a socket that begins with a ClientHello. */
  accept(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    this.#server.emit("connection", socket);
  }

  /** Closes every connection that was made with a key, at once. */
  disconnect(fingerprint: string): void {
    for (const socket of this.#byKey.get(fingerprint) ?? []) socket.destroy();
  }

  /** Closes every connection at once. */
  destroy(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #track(socket: TLSSocket): void {
    this.#connections.add(socket);
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const key = certificate && fingerprintHex(keyFingerprint(certificate.publicKey));
    if (key !== undefined) this.#ofKey(key).add(socket);
    socket.once("close", () => {
      this.#connections.delete(socket);
      if (key === undefined) return;
      const sockets = this.#ofKey(key);
      sockets.delete(socket);
      if (sockets.size === 0) this.#byKey.delete(key);
    });
  }

  #ofKey(key: string): Set<TLSSocket> {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const sockets = new Set<TLSSocket>();
    this.#byKey.set(key, sockets);
    return sockets;
  }
}

import { constants } from "node:crypto";
import type { Socket } from "node:net";
import type { SecureContextOptions, Server, TLSSocket } from "node:tls";
import { createServer } from "node:tls";
import {
  type Address,
  closeReason,
  type CloseReason,
  gatewayOf,
  LEG_ALPN,
  limitReason,
  peerAddress,
  setGatewayOf,
  setPeerAddress,
} from "@drawbridge/dataplane";
import { certificateKeyFingerprint } from "../identity/index.ts";
import type { CloudLimits } from "./cloud-settings.ts";
import { ConnectionCaps } from "./connection-caps.ts";
import type { HandshakeFailure } from "./metrics/metrics-port.ts";

/** The server's certificate and whom it trusts, PEM. */
export interface TlsIdentity {
  /** The server's certificate and the CA's behind it. */
  certificateChain: string;
  privateKey: string;
  /** The CAs whose client certificates are accepted. */
  certificateAuthorities: string[];
}

/** What a TLS terminator is made of. */
export interface TlsTerminatorOptions {
  identity: TlsIdentity;
  limits: CloudLimits;
  /** Takes over a connection for gRPC, whose handshake is complete. */
  onConnection: (socket: TLSSocket) => void;
  /**
   * Takes over a connection that is to become a leg, whose handshake is complete. It allows half-open use. `onPreface` is
   * to be called when its preface has come.
   */
  onLeg: (socket: TLSSocket, onPreface: () => void) => void;
  /** Told of a connection that was closed. */
  onRefused: (why: CloseReason, address: string) => void;
  /** Told of a handshake that failed. Default: nobody. */
  onHandshakeFailed?: (why: HandshakeFailure) => void;
  /** How long a handshake may take, in milliseconds. Default 5,000. */
  handshakeTimeoutMs?: number;
}

/** A handshake under way: whose it is, and what to call when it is over. */
interface Handshake {
  socket: Socket;
  peer: Address;
  over: () => void;
}

/** The protocol of gRPC in the handshake (RFC 9113, section 3.2). */
const GRPC_ALPN = "h2";

/**
 * TLS 1.3 for the control plane, and for legs where only TLS gets through; the client says which (ALPN). Asks for a client certificate and lets a connection without one through, since
 * enrolment has none yet; a certificate that is not from the provider's CA counts as none.
 *
 * Keeps track of connections by the key they were made with, so that a principal can be cut off at once. Handshakes
 * under way, connections without a certificate, and connections of one key are capped. Of the first two, the oldest make
 * room for newer ones: whoever means it is done in no time, so strangers cannot lock others out by holding on. What says
 * that it is a leg counts as a handshake until its preface has come, since it holds as much memory.
 */
export class TlsTerminator {
  readonly #server: Server;
  readonly #options: TlsTerminatorOptions;
  readonly #handshakes: ConnectionCaps;
  readonly #anonymous: ConnectionCaps;
  readonly #principals: ConnectionCaps;
  readonly #connections = new Set<Socket>();
  readonly #byKey = new Map<string, Set<TLSSocket>>();
  /** By the raw socket's two ends: a TLSSocket does not tell its raw socket. */
  readonly #underWay = new Map<string, Handshake>();

  constructor(options: TlsTerminatorOptions) {
    this.#options = options;
    const { limits } = options;
    this.#handshakes = new ConnectionCaps({ perKey: limits.handshakesPerAddress, inAll: limits.handshakes });
    this.#anonymous = new ConnectionCaps({ perKey: limits.anonymousPerAddress, inAll: limits.anonymous });
    this.#principals = new ConnectionCaps({ perKey: limits.connectionsPerPrincipal, inAll: Infinity });
    this.#server = createServer({
      ...contextOptions(options.identity),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [GRPC_ALPN, LEG_ALPN],
      handshakeTimeout: options.handshakeTimeoutMs ?? 5_000,
      noDelay: true,
    });
    this.#server.on("secureConnection", (socket) => this.#secured(socket));
    // A handshake that fails ends its socket; it is nobody's error but the peer's.
    this.#server.on("tlsClientError", (error, socket) => {
      socket.destroy();
      options.onHandshakeFailed?.(handshakeFailure(error));
    });
  }

  /** Takes over a socket that begins with a ClientHello. */
  accept(socket: Socket): void {
    const peer = peerAddress(socket);
    const address = peer.host;
    const over = this.#handshakes.enter(address, () =>
      this.#refuse(socket, limitReason("handshakes", "newer handshakes needed its place"), address),
    );
    socket.on("error", () => socket.destroy());
    if (over === undefined) {
      const reason = limitReason("handshakesPerAddress", "too many handshakes are under way");
      return this.#refuse(socket, reason, address);
    }
    const ends = endsOf(socket);
    this.#underWay.set(ends, { socket, peer, over });
    this.#connections.add(socket);
    // The gateway accepts with half-open use allowed, which legs need. Here a peer that has ended its side is gone, and
    // would otherwise hold its place until a keep-alive misses it.
    socket.allowHalfOpen = false;
    socket.once("close", () => {
      over();
      this.#underWay.delete(ends);
      this.#connections.delete(socket);
    });
    this.#server.emit("connection", socket);
  }

  /** Takes a renewed certificate for the connections to come. */
  renew(identity: TlsIdentity): void {
    this.#server.setSecureContext(contextOptions(identity));
  }

  /** Closes every connection that was made with a key, at once. */
  disconnect(fingerprint: string): void {
    for (const socket of this.#byKey.get(fingerprint) ?? []) socket.destroy();
  }

  /** Closes every connection at once, those whose handshake is under way too. */
  destroy(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #secured(socket: TLSSocket): void {
    const handshake = this.#underWay.get(endsOf(socket));
    if (handshake !== undefined) setPeerAddress(socket, handshake.peer);
    const gateway = handshake && gatewayOf(handshake.socket);
    if (gateway !== undefined) setGatewayOf(socket, gateway);
    const address = peerAddress(socket).host;
    if (socket.alpnProtocol === LEG_ALPN) return this.#leg(socket, handshake);
    handshake?.over();
    // Node refuses a client that names other protocols only; one that names none gets here.
    if (socket.alpnProtocol !== GRPC_ALPN) return this.#refuse(socket, NO_PROTOCOL, address);
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const key = certificate && certificateKeyFingerprint(certificate.raw);
    const evict = (): void => this.#refuse(socket, ANONYMOUS_MADE_ROOM, address);
    const leave = key === undefined ? this.#anonymous.enter(address, evict) : this.#principals.enter(key);
    if (leave === undefined) {
      const limit = key === undefined ? "anonymousPerAddress" : "connectionsPerPrincipal";
      return this.#refuse(socket, limitReason(limit, "too many connections are open"), address);
    }
    socket.once("close", leave);
    if (key !== undefined) this.#track(key, socket);
    this.#options.onConnection(socket);
  }

  #leg(socket: TLSSocket, handshake: Handshake | undefined): void {
    socket.allowHalfOpen = true;
    if (handshake !== undefined) handshake.socket.allowHalfOpen = true;
    this.#options.onLeg(socket, () => handshake?.over());
  }

  #track(key: string, socket: TLSSocket): void {
    const sockets = this.#byKey.get(key) ?? new Set<TLSSocket>();
    this.#byKey.set(key, sockets.add(socket));
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.#byKey.delete(key);
    });
  }

  #refuse(socket: Socket, why: CloseReason, address: string): void {
    socket.destroy();
    this.#options.onRefused(why, address);
  }
}

const NO_PROTOCOL = closeReason("protocol-violation", "it did not say which protocol it speaks");
const ANONYMOUS_MADE_ROOM = limitReason("anonymous", "newer connections without a certificate needed its place");

function handshakeFailure(error: Error): HandshakeFailure {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "timeout";
  return code === "ECONNRESET" || code === "EPIPE" ? "gone" : "tls";
}

const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress ?? ""} ${remotePort ?? 0} ${localAddress ?? ""} ${localPort ?? 0}`;

/**
 * Without tickets nobody can resume a session: the client's certificate would come out of the ticket, and neither its end
 * nor its CA would be looked at again. Our own clients never ask for it.
 */
function contextOptions({ certificateChain, privateKey, certificateAuthorities }: TlsIdentity): SecureContextOptions {
  return {
    minVersion: "TLSv1.3",
    cert: certificateChain,
    key: privateKey,
    ca: certificateAuthorities,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

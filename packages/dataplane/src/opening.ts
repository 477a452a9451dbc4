import type { Socket } from "node:net";
import type { Clock } from "./clock.ts";
import { closeReason, closeReasonFrom, type CloseReason } from "./close-reason.ts";
import type { GatewayNote } from "./gateway-note.ts";
import { setPeerAddress } from "./peer-address.ts";
import { PREFACE_MAGIC } from "./preface.ts";
import { PROXY_SIGNATURE, ProxyHeaderReader, type ProxyHeader } from "./proxy-protocol.ts";
import { setGatewayOf } from "./through-gateway.ts";

/**
 * What a connection begins with.
 *
 * - `tls`: a TLS record
 * - `leg`: the first bytes of a preface
 * - `ended`: nothing, or too little to tell, before it ended
 * - `refused`: anything else, or nothing in time
 */
export type Opening =
  | { readonly kind: "tls" | "leg" }
  | { readonly kind: "ended"; readonly reason: CloseReason }
  | { readonly kind: "refused"; readonly reason: CloseReason; readonly misfit?: ProxyMisfit };

/**
 * A sign of a setting that somebody forgot.
 *
 * - `unlisted-gateway`: a PROXY header came from an address that is not among the trusted gateways
 * - `header-missing`: a trusted gateway sent no PROXY header
 */
export type ProxyMisfit = "unlisted-gateway" | "header-missing";

/** How {@link receiveOpening} waits. */
export interface OpeningOptions {
  /** From the call to the byte that tells, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether a PROXY header must come first. The socket's peer address is set from it. */
  readonly isProxied: boolean;
  /** Called when it is known whose connection this is, with why it must not go on, if so. */
  readonly onPeer: () => CloseReason | undefined;
  /** Called with what the gateway says of itself, if it does. */
  readonly onGateway: (note: GatewayNote) => void;
}

/** The content type of a TLS handshake record (RFC 8446, section 5.1), which every ClientHello begins with. */
const TLS_HANDSHAKE = 0x16;
/** So much of the PROXY signature is enough to call it one: the fifth byte is 0, which no text has. */
const TELLING_BYTES = 5;

/**
 * Reads no more than is needed to tell what a connection is. Puts everything but a PROXY header back. Does not close the
 * socket; the caller keeps an `error` listener on it. Never rejects.
 */
export function receiveOpening(socket: Socket, options: OpeningOptions): Promise<Opening> {
  const { timeoutMs, clock, onPeer } = options;
  const { promise, resolve } = Promise.withResolvers<Opening>();
  const reader = new OpeningReader(options.isProxied, (header) => {
    if (header.kind === "proxied") setPeerAddress(socket, header.connection.source);
    if (header.gateway !== undefined) {
      setGatewayOf(socket, header.gateway.instance);
      options.onGateway(header.gateway);
    }
    return onPeer();
  });
  const settle = (opening: Opening): void => {
    timer.cancel();
    socket.off("readable", onReadable).off("end", onGone).off("close", onGone);
    if (opening.kind === "tls" || opening.kind === "leg") socket.unshift(reader.head);
    resolve(opening);
  };
  const onGone = (): void =>
    settle({ kind: "ended", reason: closeReason("closed", "the connection ended before it said anything") });
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    const opening = chunk === null ? undefined : reader.push(chunk);
    if (opening !== undefined) settle(opening);
  };
  const late = closeReason("handshake-timeout", `the connection said nothing within ${timeoutMs} ms`);
  const timer = clock.setTimer(timeoutMs, () => settle({ kind: "refused", reason: late }));
  if (socket.destroyed) onGone();
  else socket.on("readable", onReadable).on("end", onGone).on("close", onGone);
  return promise;
}

/** Tells what a connection is, from chunks of any size. */
class OpeningReader {
  /** What has come, without the PROXY header. */
  head: Buffer = Buffer.alloc(0);
  readonly #onHeader: (header: ProxyHeader) => CloseReason | undefined;
  #proxy: ProxyHeaderReader | undefined;

  constructor(isProxied: boolean, onHeader: (header: ProxyHeader) => CloseReason | undefined) {
    this.#proxy = isProxied ? new ProxyHeaderReader() : undefined;
    this.#onHeader = onHeader;
  }

  /** What the connection is; undefined while that cannot be told. */
  push(chunk: Buffer): Opening | undefined {
    const stream = this.#proxy === undefined ? chunk : this.#readHeader(this.#proxy, chunk);
    if (!Buffer.isBuffer(stream)) return stream;
    this.head = this.head.length === 0 ? stream : Buffer.concat([this.head, stream]);
    return openingOf(this.head);
  }

  /** What follows the header, if anything of it has come; or why the connection must not go on. */
  #readHeader(proxy: ProxyHeaderReader, chunk: Buffer): Buffer | Opening | undefined {
    try {
      const progress = proxy.push(chunk);
      if (progress.state === "incomplete") return undefined;
      this.#proxy = undefined;
      const reason = this.#onHeader(progress.header);
      return reason === undefined ? progress.rest : { kind: "refused", reason };
    } catch (error) {
      return { kind: "refused", reason: closeReasonFrom(error), misfit: "header-missing" };
    }
  }
}

function openingOf(head: Buffer): Opening | undefined {
  if (head.length === 0) return undefined;
  if (head[0] === TLS_HANDSHAKE) return { kind: "tls" };
  if (startsLike(head, PREFACE_MAGIC)) return head.length < PREFACE_MAGIC.length ? undefined : { kind: "leg" };
  const what = "neither TLS nor a preface";
  const isProxy = head.length >= TELLING_BYTES && startsLike(head, PROXY_SIGNATURE);
  if (!isProxy) return { kind: "refused", reason: closeReason("protocol-violation", what) };
  const reason = closeReason("protocol-violation", `${what}, but a PROXY header from no trusted gateway`);
  return { kind: "refused", reason, misfit: "unlisted-gateway" };
}

/** Whether the bytes begin like a pattern, as far as both go. */
function startsLike(bytes: Buffer, pattern: Buffer): boolean {
  const length = Math.min(bytes.length, pattern.length);
  return pattern.compare(bytes, 0, length, 0, length) === 0;
}

import { createServer, type Server, type Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { closeReason, type CloseReason } from "./close-reason.ts";
import { DrawbridgeError } from "./errors.ts";
import { fromNodeError } from "./node-error.ts";
import { PREFACE_MAGIC } from "./preface.ts";
import type { Refusal } from "./rendezvous-options.ts";
import { peerAddress, SilentSockets } from "./silent-sockets.ts";

/** What an {@link EmbeddedGateway} is made of. */
export interface EmbeddedGatewayOptions {
  /** Takes over a socket that begins with a TLS record; none of its bytes is consumed. */
  readonly onTls: (socket: Socket) => void;
  /** Takes over a socket that begins like a preface; none of its bytes is consumed. */
  readonly onLeg: (socket: Socket) => void;
  /** From accept to the first byte, in milliseconds. Default 5,000. */
  readonly firstByteTimeoutMs?: number;
  /** Sockets that have said nothing, in all. Default 4,096. */
  readonly maxSilentSockets?: number;
  /** Sockets that have said nothing, by the address that they came from. Default 64. */
  readonly maxSilentPerAddress?: number;
  /** Told of every socket that was closed without a word. Must not throw. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** The content type of a TLS handshake record (RFC 8446, section 5.1), which every ClientHello begins with. */
const TLS_HANDSHAKE = 0x16;
const DEFAULT_FIRST_BYTE_TIMEOUT_MS = 5000;

const ignoreError = (): void => {};

/** One public port for the control plane and the legs, told apart by the first byte. Holds no keys. */
export class EmbeddedGateway {
  readonly #options: EmbeddedGatewayOptions;
  readonly #clock: Clock;
  readonly #firstByteTimeoutMs: number;
  readonly #silent: SilentSockets;
  readonly #server: Server;

  constructor(options: EmbeddedGatewayOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#firstByteTimeoutMs = options.firstByteTimeoutMs ?? DEFAULT_FIRST_BYTE_TIMEOUT_MS;
    this.#silent = new SilentSockets({
      inAll: options.maxSilentSockets ?? 4096,
      perAddress: options.maxSilentPerAddress ?? 64,
    });
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
  }

  /**
   * Starts to listen and returns the address that it listens on, with the port that the system chose for port 0.
   *
   * @throws DrawbridgeError `address-in-use`, `permission-denied`, `invalid-argument` and what else listening can meet
   */
  listen(address: Address): Promise<Address> {
    const { promise, resolve, reject } = Promise.withResolvers<Address>();
    const onError = (error: Error): void => reject(fromNodeError(error, formatAddress(address), "listen"));
    this.#server.once("error", onError);
    this.#server.listen({ host: address.host, port: address.port }, () => {
      this.#server.off("error", onError);
      // Later errors are those of accept(2), such as EMFILE: the socket is lost, the server is not.
      this.#server.on("error", ignoreError);
      const bound = this.#server.address();
      if (bound === null || typeof bound === "string")
        reject(new DrawbridgeError("internal", "the gateway has no address"));
      else resolve({ host: bound.address, port: bound.port });
    });
    return promise;
  }

  /** Stops listening and closes the sockets that have said nothing. Those handed over live on. May be called twice. */
  async close(): Promise<void> {
    this.destroy();
    // The port is free once the handle's close callback ran, which is one turn of the loop away; the server's own
    // "close" event waits for the sockets that were handed over.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** {@link close} without waiting for the port to be free. */
  destroy(): void {
    if (this.#server.listening) this.#server.close();
    this.#silent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    const address = peerAddress(socket);
    socket.on("error", ignoreError);
    const full = this.#silent.add(socket, address);
    if (full !== undefined) {
      this.#refuse(socket, address, full);
      return;
    }
    const settle = (): void => {
      timer.cancel();
      socket.off("readable", onReadable).off("close", onGone).off("end", onGone);
      this.#silent.delete(socket);
    };
    const refuse = (reason: CloseReason): void => {
      settle();
      this.#refuse(socket, address, reason);
    };
    const onGone = (): void => refuse(closeReason("closed", "the connection ended before it said anything"));
    const onReadable = (): void => {
      const head = socket.read() as Buffer | null;
      if (head === null) return;
      settle();
      socket.unshift(head);
      this.#handOver(socket, address, head[0]);
    };
    const late = closeReason("handshake-timeout", `the connection said nothing within ${this.#firstByteTimeoutMs} ms`);
    const timer = this.#clock.setTimer(this.#firstByteTimeoutMs, () => refuse(late));
    socket.on("readable", onReadable).on("close", onGone).on("end", onGone);
  }

  #handOver(socket: Socket, address: string, firstByte: number | undefined): void {
    if (firstByte !== TLS_HANDSHAKE && firstByte !== PREFACE_MAGIC[0]) {
      this.#refuse(socket, address, closeReason("protocol-violation", "neither TLS nor a preface"));
      return;
    }
    const takeOver = firstByte === TLS_HANDSHAKE ? this.#options.onTls : this.#options.onLeg;
    takeOver(socket);
    // The new owner has its own listener by now; this one stays on a socket that it has destroyed, for late errors.
    if (!socket.destroyed) socket.off("error", ignoreError);
  }

  #refuse(socket: Socket, address: string, reason: CloseReason): void {
    socket.destroy();
    this.#options.onRefused?.({ reason, address });
  }
}

import { createServer, type Server, type Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import { AddressRanges } from "./address-ranges.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { CloseReason } from "./close-reason.ts";
import { DrawbridgeError } from "./errors.ts";
import type { GatewayNote } from "./gateway-note.ts";
import { fromNodeError } from "./node-error.ts";
import { receiveOpening, type Opening } from "./opening.ts";
import { directPeer, peerAddress } from "./peer-address.ts";
import type { Refusal } from "./rendezvous-options.ts";
import { MADE_ROOM, SilentSockets } from "./silent-sockets.ts";

/** What a {@link FrontDoor} is made of. */
export interface FrontDoorOptions {
  /** Takes over a socket that begins with a TLS record; none of its bytes is consumed. */
  readonly onTls: (socket: Socket) => void;
  /** Takes over a socket that begins like a preface; none of its bytes is consumed. */
  readonly onLeg: (socket: Socket) => void;
  /**
   * Who must send a PROXY header of version 2 before anything else, and is believed: `peerAddress` of a socket that is
   * handed over is what the header says. From everybody else such a header is refused. Default: nobody.
   */
  readonly trustedGateways?: AddressRanges;
  /** Told what a trusted gateway says of itself, again with each of its connections. Must not throw. Default: nobody. */
  readonly onGateway?: (note: GatewayNote) => void;
  /** From accept to the bytes that tell what it is, in milliseconds. Default 5,000. */
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

const DEFAULT_FIRST_BYTE_TIMEOUT_MS = 5000;
const NOBODY = new AddressRanges();

const ignoreError = (): void => {};

/**
 * One public port for the control plane and the legs, told apart by the first bytes; of a preface no more than its magic
 * is looked at. Holds no keys. It is the way into a cloud redirector and into a cloud gateway.
 */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #clock: Clock;
  readonly #trustedGateways: AddressRanges;
  readonly #silent: SilentSockets;
  readonly #server: Server;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#trustedGateways = options.trustedGateways ?? NOBODY;
    this.#silent = new SilentSockets({
      inAll: options.maxSilentSockets ?? 4096,
      perAddress: options.maxSilentPerAddress ?? 64,
    });
    this.#server = createServer(
      // Keep-alive, so that a peer that died in silence does not hold its place for ever; as `dial` does at the other end.
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
      (socket) => void this.#accept(socket),
    );
  }

  /** Sockets that have said nothing, now. */
  get silentSockets(): number {
    return this.#silent.size;
  }

  /**
   * Starts to listen and returns the address that it listens on, with the port that the system chose for port 0. An
   * empty host means all addresses of this machine, those of IPv6 too where it has any.
   *
   * @throws DrawbridgeError `address-in-use`, `permission-denied`, `invalid-argument` and what else listening can meet
   */
  listen(address: Address): Promise<Address> {
    const { promise, resolve, reject } = Promise.withResolvers<Address>();
    const onError = (error: Error): void => reject(fromNodeError(error, formatAddress(address), "listen"));
    this.#server.once("error", onError);
    this.#server.listen({ port: address.port, ...(address.host !== "" && { host: address.host }) }, () => {
      this.#server.off("error", onError);
      // Later errors are those of accept(2), such as EMFILE: the socket is lost, the server is not.
      this.#server.on("error", ignoreError);
      const bound = this.#server.address();
      if (bound === null || typeof bound === "string")
        reject(new DrawbridgeError("internal", "the front door has no address"));
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

  async #accept(socket: Socket): Promise<void> {
    socket.on("error", ignoreError);
    const isGateway = this.#trustedGateways.has(directPeer(socket).host);
    // Many clients' connections come from a gateway at once; each counts by its client's address once that is known.
    const full = this.#silent.add(socket, isGateway ? undefined : peerAddress(socket).host);
    if (full !== undefined) {
      this.#refuse(socket, { reason: full });
      return;
    }
    const opening = await receiveOpening(socket, {
      timeoutMs: this.#options.firstByteTimeoutMs ?? DEFAULT_FIRST_BYTE_TIMEOUT_MS,
      clock: this.#clock,
      isProxied: isGateway,
      onPeer: () => this.#countByClient(socket),
      onGateway: (note) => this.#options.onGateway?.(note),
    });
    const madeRoom = !this.#silent.delete(socket) && opening.kind === "ended";
    if (madeRoom) this.#refuse(socket, { reason: MADE_ROOM });
    // A gateway that looks whether the port is open says nothing: it is not worth a word.
    else if (opening.kind === "ended" && isGateway) socket.destroy();
    else this.#settle(socket, opening);
  }

  #countByClient(socket: Socket): CloseReason | undefined {
    this.#silent.delete(socket);
    return this.#silent.add(socket, peerAddress(socket).host);
  }

  #settle(socket: Socket, opening: Opening): void {
    switch (opening.kind) {
      case "tls":
        return this.#handOver(socket, this.#options.onTls);
      case "leg":
        return this.#handOver(socket, this.#options.onLeg);
      case "ended":
      case "refused":
        return this.#refuse(socket, opening);
    }
  }

  #handOver(socket: Socket, takeOver: (socket: Socket) => void): void {
    takeOver(socket);
    // The new owner has its own listener by now; this one stays on a socket that it has destroyed, for late errors.
    if (!socket.destroyed) socket.off("error", ignoreError);
  }

  #refuse(socket: Socket, { reason, misfit }: Pick<Refusal, "reason" | "misfit">): void {
    socket.destroy();
    const { host: address } = peerAddress(socket);
    this.#options.onRefused?.({ reason, address, ...(misfit && { misfit }) });
  }
}

import type { Server, Socket } from "node:net";
import { createServer, isIPv4 } from "node:net";
import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress, fromNodeError, nodeErrorCode } from "@drawbridge/dataplane";
import { loopbackRefusal } from "./loopback-refusal.ts";
import type { LoopbackConnection, SocketOwner, SocketOwners } from "./socket-owner.ts";
import { unknownOwner } from "./socket-owner.ts";

/** What a loopback listener is made of. */
export interface LoopbackListenerOptions {
  /** Takes over each connection that is let in: paused, and it may be half-closed. */
  onConnection: (socket: Socket) => void;
  /**
   * Told of connections that were closed because they are not, or not surely, the operator's own: of the first, and
   * then of every one that doubles their number, so that a flood of them makes no flood of messages. Must not throw.
   *
   * @param count how many were refused so far
   */
  onRefused: (refusal: DrawbridgeError, count: number) => void;
  /** Tells whose a connection is. Undefined: everybody on this machine is let in. */
  owners: SocketOwners | undefined;
}

/** Connections whose owner is being looked up; more are refused unseen. An RDP client opens a handful. */
const MAX_CHECKS = 64;

/** How long a look-up may take, in milliseconds. */
const CHECK_MS = 10_000;

/** What makes the next address worth a try. EACCES: Windows keeps ranges of ports to itself. */
const NEXT_ADDRESS_CODES: ReadonlySet<string> = new Set(["EADDRINUSE", "EADDRNOTAVAIL", "EACCES"]);

/** Listens on loopback for the RDP client's connections, and lets in those of the operator's own processes. */
export class LoopbackListener {
  readonly #options: LoopbackListenerOptions;
  readonly #server: Server;
  readonly #checking = new Set<Socket>();
  readonly #closing = new AbortController();
  #refused = 0;

  constructor(options: LoopbackListenerOptions) {
    this.#options = options;
    // Paused: nothing of a connection is read before it is known whose it is.
    const serverOptions = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    this.#server = createServer(serverOptions, (socket) => void this.#accept(socket));
    // A connection that cannot be accepted (no descriptor left) is lost to its client; the listener lives on.
    this.#server.on("error", () => {});
  }

  /**
   * Starts to listen on the first of these addresses that is free and there; port 0 lets the system choose. Returns the
   * address that can be dialled.
   *
   * Errors, of the last address: `invalid-argument` for one that other machines could reach, `address-in-use` and the like.
   */
  async listen(address: Address, ...others: readonly Address[]): Promise<Address> {
    const [next, ...rest] = others;
    try {
      return await this.#listenOn(address);
    } catch (error) {
      if (next === undefined || !(error instanceof DrawbridgeError)) throw error;
      if (!NEXT_ADDRESS_CODES.has(nodeErrorCode(error.cause) ?? "")) throw error;
      return this.listen(next, ...rest);
    }
  }

  /** Stops to listen. Connections that were handed over live on; those still being checked end. May be called twice. */
  close(): void {
    this.#closing.abort();
    for (const socket of this.#checking) socket.destroy();
    if (this.#server.listening) this.#server.close();
  }

  #listenOn(address: Address): Promise<Address> {
    if (!isLoopback(address.host)) {
      throw new DrawbridgeError("invalid-argument", `${address.host} is not a loopback address`, {
        remedy: "Choose one in 127.0.0.0/8, or [::1]: anything else would open the tenant to your network.",
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Address>();
    const onError = (error: Error): void => {
      this.#server.off("listening", onListening);
      reject(fromNodeError(error, formatAddress(address), "listen"));
    };
    const onListening = (): void => {
      this.#server.off("error", onError);
      const bound = this.#server.address();
      if (bound === null || typeof bound === "string")
        reject(new DrawbridgeError("internal", "the listener has no address"));
      else resolve({ host: bound.address, port: bound.port });
    };
    this.#server.once("error", onError).once("listening", onListening);
    this.#server.listen({ host: address.host, port: address.port, exclusive: true });
    return promise;
  }

  async #accept(socket: Socket): Promise<void> {
    const { owners, onConnection } = this.#options;
    if (owners === undefined) {
      onConnection(socket);
      return;
    }
    const ignoreError = (): void => {};
    socket.on("error", ignoreError);
    const connection = connectionOf(socket);
    const owner = connection ? await this.#ownerOf(socket, connection, owners) : unknownOwner("it is gone already");
    if (this.#closing.signal.aborted) return void socket.destroy();
    if (owner.kind === "own") {
      onConnection(socket);
      socket.off("error", ignoreError);
      return;
    }
    socket.destroy();
    this.#refused += 1;
    if (isPowerOfTwo(this.#refused)) this.#options.onRefused(loopbackRefusal(connection?.client, owner), this.#refused);
  }

  async #ownerOf(socket: Socket, connection: LoopbackConnection, owners: SocketOwners): Promise<SocketOwner> {
    if (this.#checking.size >= MAX_CHECKS) return unknownOwner("too many connections wait for their check");
    this.#checking.add(socket);
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(CHECK_MS)]);
    try {
      return await owners.ownerOf(connection, signal);
    } catch (error) {
      return unknownOwner(`it cannot be looked up (${error instanceof Error ? error.message : String(error)})`);
    } finally {
      this.#checking.delete(socket);
    }
  }
}

function isLoopback(host: string): boolean {
  return (isIPv4(host) && host.startsWith("127.")) || host === "::1" || host === "localhost";
}

function connectionOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): LoopbackConnection | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  if (localAddress === undefined || localPort === undefined) return undefined;
  return { client: { host: remoteAddress, port: remotePort }, listener: { host: localAddress, port: localPort } };
}

const isPowerOfTwo = (count: number): boolean => Number.isInteger(Math.log2(count));

import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress, fromNodeError } from "@drawbridge/dataplane";

/** Listens on loopback for the RDP client's connections. */
export class LoopbackListener {
  readonly #server: Server;

  /** @param onConnection takes over each connection: paused, and it may be half-closed. */
  constructor(onConnection: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, onConnection);
  }

  /**
   * Starts to listen; port 0 lets the system choose. Returns the address that can be dialled.
   *
   * Errors: `invalid-argument` for an address that other machines could reach, `address-in-use` and the like.
   */
  listen(address: Address): Promise<Address> {
    if (!isLoopback(address.host)) {
      throw new DrawbridgeError("invalid-argument", `${address.host} is not a loopback address`, {
        remedy: "Choose one in 127.0.0.0/8, or [::1]: anything else would open the tenant to your network.",
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<Address>();
    this.#server.once("error", (error) => reject(fromNodeError(error, formatAddress(address), "listen")));
    this.#server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
      const bound = this.#server.address();
      if (bound === null || typeof bound === "string")
        reject(new DrawbridgeError("internal", "the listener has no address"));
      else resolve({ host: bound.address, port: bound.port });
    });
    return promise;
  }

  /** Stops to listen. Connections that were handed over live on. May be called twice. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }
}

function isLoopback(host: string): boolean {
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || host === "::1" || host === "localhost";
}

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const ignore = (): void => {};

/**
 * A TCP proxy that is as far away as the bench says: what goes through it arrives later, in either direction, and a new
 * connection's first bytes a round trip later still, as if its handshake had been waited for.
 */
export class DelayProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #oneWayMs: number;

  static async start(target: string, roundTripMs: number): Promise<DelayProxy> {
    const proxy = new DelayProxy(Number(target.slice(target.lastIndexOf(":") + 1)), roundTripMs / 2);
    proxy.#server.listen({ port: 0, host: "127.0.0.1" });
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: number, oneWayMs: number) {
    this.#target = target;
    this.#oneWayMs = oneWayMs;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      for (const socket of [near, far]) {
        this.#sockets.add(socket.on("error", ignore));
        socket.once("close", () => this.#sockets.delete(socket));
      }
      this.#carry(near, far, performance.now() + 2 * oneWayMs);
      this.#carry(far, near, 0);
    });
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  /** @param since when the connection counts as made: what is sent before leaves then. */
  #carry(from: Socket, to: Socket, since: number): void {
    const later = (act: () => void): void => {
      const leaves = Math.max(performance.now(), since);
      void delay(leaves + this.#oneWayMs - performance.now()).then(act);
    };
    from.on("data", (chunk: Buffer) =>
      later(() => {
        if (to.writable) to.write(chunk);
      }),
    );
    from.on("end", () => later(() => void to.end()));
    from.on("close", () => later(() => void to.destroy()));
  }
}

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { OwnSockets } from "./own-sockets.ts";

/** An HTTP proxy in this process that does what RFC 9110 says of CONNECT: it ends both directions when one side has ended. */
export class TunnelProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new OwnSockets();

  private constructor() {
    this.#server = createServer();
    this.#server.on("connect", ({ url = "" }, near: Socket, head) => {
      const { hostname, port } = new URL(`http://${url}`);
      const far = connect({ host: hostname, port: Number(port), noDelay: true });
      this.#sockets.own(near, far);
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      far.write(head);
      // What came from the side that ended goes on; what is still under way to it is lost.
      near.pipe(far).pipe(near);
      near.once("close", () => far.destroy());
      far.once("close", () => near.destroy());
    });
  }

  static async start(): Promise<TunnelProxy> {
    const proxy = new TunnelProxy();
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many tunnels are open. */
  get tunnels(): number {
    return this.#sockets.open / 2;
  }

  /** Ends all tunnels in the midst of what they carry: in order, as TCP sees it, or by a reset. */
  cut(how: "end" | "reset"): void {
    this.#sockets.cut(how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sockets.closeWith(this.#server);
  }
}

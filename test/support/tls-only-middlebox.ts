import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { joinSockets } from "./join-sockets.ts";
import { OwnSockets } from "./own-sockets.ts";

/** What a middlebox does to a connection that does not begin like TLS. */
export type Treatment = "resets" | "swallows" | "answers";

const TLS_HANDSHAKE = 0x16;
const PAGE = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/** Something on the way that lets only TLS through, by the first byte. */
export class TlsOnlyMiddlebox implements AsyncDisposable {
  /** How it treats all else; undefined: it lets everything through. */
  treatment: Treatment | undefined;
  /** Connections so far that were let through, TLS or not, and that were not. */
  readonly seen = { tls: 0, raw: 0, stopped: 0 };
  readonly #server: Server;
  readonly #sockets = new OwnSockets();

  private constructor(port: number, treatment: Treatment | undefined) {
    this.treatment = treatment;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.own(socket);
      socket.once("readable", () => {
        const head = socket.read() as Buffer | null;
        if (head === null) return void socket.destroy();
        this.#judge(socket, head, port);
      });
    });
  }

  /**
   * Starts one on a free port of loopback.
   *
   * @param to where it leads, `HOST:PORT` on 127.0.0.1
   */
  static async start(to: string, treatment: Treatment | undefined): Promise<TlsOnlyMiddlebox> {
    const middlebox = new TlsOnlyMiddlebox(Number(to.slice(to.lastIndexOf(":") + 1)), treatment);
    await once(middlebox.#server.listen(0, "127.0.0.1"), "listening");
    return middlebox;
  }

  get address(): { host: string; port: number } {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** `127.0.0.1:PORT` */
  get name(): string {
    return `127.0.0.1:${this.address.port}`;
  }

  /** Ends all connections in the midst of what they carry: in order, as TCP sees it, or by a reset. */
  cut(how: "end" | "reset"): void {
    this.#sockets.cut(how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sockets.closeWith(this.#server);
  }

  #judge(socket: Socket, head: Buffer, port: number): void {
    if (head[0] === TLS_HANDSHAKE) this.seen.tls += 1;
    else if (this.treatment === undefined) this.seen.raw += 1;
    else {
      this.seen.stopped += 1;
      if (this.treatment === "resets") socket.resetAndDestroy();
      else if (this.treatment === "answers") socket.end(PAGE);
      // Read and thrown away: a sender notices nothing.
      else socket.resume();
      return;
    }
    const further = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    this.#sockets.own(further);
    further.write(head);
    joinSockets(socket, further);
  }
}

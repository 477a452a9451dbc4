import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { joinSockets } from "./join-sockets.ts";

/** What a connection carries, by its first byte. */
export type Carried = "control" | "leg";

const TLS_HANDSHAKE = 0x16;

/** A gateway that only passes bytes on, in this process, whose connections a test can cut by kind. */
export class Forwarder implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Record<Carried, Set<Socket>> = { control: new Set(), leg: new Set() };
  readonly #all = new Set<Socket>();
  #port = 0;

  private constructor(cloudPort: () => number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#own(socket);
      socket.once("readable", () => {
        const head = socket.read() as Buffer | null;
        if (head === null) return void socket.destroy();
        socket.unshift(head);
        this.#passOn(socket, cloudPort(), head[0] === TLS_HANDSHAKE ? "control" : "leg");
      });
    });
  }

  /** Starts one on a free port of loopback. The cloud redirector's port is asked for at each connection. */
  static async start(cloudPort: () => number): Promise<Forwarder> {
    const forwarder = new Forwarder(cloudPort);
    await forwarder.listen();
    return forwarder;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** How many connections of a kind it carries. */
  count(kind: Carried): number {
    return this.#sockets[kind].size;
  }

  /** Listens, again on the same port where it did before. */
  async listen(): Promise<void> {
    await once(this.#server.listen(this.#port, "127.0.0.1"), "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Takes no new connections; those that are there go on. */
  stopListening(): void {
    this.#server.close();
  }

  /** Resets the connections of a kind. */
  cut(kind: Carried): void {
    for (const socket of this.#sockets[kind]) socket.resetAndDestroy();
  }

  /** Lets nothing more through on the connections of a kind, and leaves them open: as a machine that slept finds them. */
  freeze(kind: Carried): void {
    for (const socket of this.#sockets[kind]) {
      socket.unpipe();
      for (const other of this.#all) other.unpipe(socket);
      socket.pause();
    }
  }

  /** Dies, and with it all its connections: by a reset, or in order, as the kernel ends those of a killed process. */
  die(how: "reset" | "end" = "reset"): void {
    this.#server.close();
    for (const socket of this.#all) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.die();
    await closed;
  }

  #passOn(socket: Socket, port: number, kind: Carried): void {
    const cloud = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    this.#own(cloud);
    this.#sockets[kind].add(socket);
    socket.once("close", () => this.#sockets[kind].delete(socket));
    joinSockets(socket, cloud);
  }

  #own(socket: Socket): void {
    this.#all.add(socket);
    socket.on("error", () => {}).once("close", () => this.#all.delete(socket));
  }
}

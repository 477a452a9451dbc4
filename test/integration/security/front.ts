import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { HandshakeToken } from "@drawbridge/dataplane";
import { receivePreface } from "../../../packages/dataplane/src/preface-reception.ts";
import { joinSockets } from "../../support/join-sockets.ts";

/** A leg that has sent its preface; what came behind it is still in the socket. */
export interface CaughtLeg {
  readonly token: HandshakeToken;
  readonly socket: Socket;
}

const TLS_HANDSHAKE = 0x16;

/**
 * A public port in the hands of whoever owns the cloud redirector: the control plane goes on to the true one, and legs
 * are kept, for a test to take one by one.
 */
export class Front {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #legs: CaughtLeg[] = [];
  readonly #waiting: ((leg: CaughtLeg) => void)[] = [];

  private constructor(cloudPort: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#own(socket);
      socket.once("readable", () => {
        const head = socket.read() as Buffer | null;
        if (head === null) return;
        socket.unshift(head);
        if (head[0] === TLS_HANDSHAKE) this.#passOn(socket, cloudPort);
        else void this.#catch(socket);
      });
    });
  }

  static async start(cloudPort: number): Promise<Front> {
    const front = new Front(cloudPort);
    front.#server.listen(0, "127.0.0.1");
    await once(front.#server, "listening");
    return front;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next leg, in the order in which their prefaces came. */
  nextLeg(): Promise<CaughtLeg> {
    const leg = this.#legs.shift();
    return leg === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(leg);
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #passOn(socket: Socket, port: number): void {
    const cloud = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#own(cloud);
    joinSockets(socket, cloud);
  }

  async #catch(socket: Socket): Promise<void> {
    const leg = { token: await receivePreface(socket), socket };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#legs.push(leg);
    else waiting(leg);
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).once("close", () => this.#sockets.delete(socket));
  }
}

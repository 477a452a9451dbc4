import type { Socket } from "node:net";
import { type Address, AddressRanges, FrontDoor, peerAddress } from "@drawbridge/dataplane";

/** What a TLS server answers to a handshake message that nobody may send: a fatal alert, unexpected_message. */
const ALERT = Buffer.from("1503030002020a", "hex");

/** How a {@link CloudStub} treats gateways. */
export type CloudManner = "serves" | "hangs" | "trusts nobody";

/** A connection that reached a {@link CloudStub}, and whose it is. */
export interface Arrived {
  readonly socket: Socket;
  readonly client: Address;
  readonly kind: "tls" | "leg";
}

/** The port of a cloud redirector, with nothing behind it: what comes is kept for a test to take one by one. */
export class CloudStub {
  manner: CloudManner;
  /** How many connections the gateway made to look whether it is up. */
  checks = 0;
  #door: FrontDoor;
  readonly #sockets: Socket[] = [];
  readonly #arrived: Arrived[] = [];
  readonly #waiting: ((arrived: Arrived) => void)[] = [];
  address: Address = { host: "127.0.0.1", port: 0 };

  private constructor(manner: CloudManner) {
    this.manner = manner;
    this.#door = this.#newDoor();
  }

  static async start(manner: CloudManner = "serves", port = 0): Promise<CloudStub> {
    const stub = new CloudStub(manner);
    stub.address = await stub.#door.listen({ host: "127.0.0.1", port });
    return stub;
  }

  /** Stops listening; what has arrived stays open. */
  async refuse(): Promise<void> {
    await this.#door.close();
  }

  /** Listens at its old address. */
  async listenAgain(): Promise<void> {
    this.#door = this.#newDoor();
    await this.#door.listen(this.address);
  }

  /** The next client's connection, in order. */
  next(): Promise<Arrived> {
    const arrived = this.#arrived.shift();
    return arrived === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(arrived);
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#door.close();
  }

  #newDoor(): FrontDoor {
    return new FrontDoor({
      ...(this.manner !== "trusts nobody" && { trustedGateways: new AddressRanges(["127.0.0.0/8"]) }),
      onTls: (socket) => this.#take(socket, "tls"),
      onLeg: (socket) => this.#take(socket, "leg"),
    });
  }

  #take(socket: Socket, kind: "tls" | "leg"): void {
    this.#sockets.push(socket.on("error", () => {}));
    const client = peerAddress(socket);
    // A check comes from the gateway itself, and the gateway from 127.0.0.1.
    if (kind === "tls" && client.host === "127.0.0.1") return this.#answerCheck(socket);
    const arrived = { socket, client, kind };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(arrived);
    else waiting(arrived);
  }

  #answerCheck(socket: Socket): void {
    this.checks += 1;
    if (this.manner === "serves") socket.resume().end(ALERT);
  }
}

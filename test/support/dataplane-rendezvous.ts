import {
  dialLeg,
  Rendezvous,
  type HandshakeToken,
  type LinkReservation,
  type Refusal,
  type RendezvousOptions,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { dialLoopback } from "./dataplane-sockets.ts";
import { FakeClock } from "./fake-clock.ts";

/** Waits for a condition that changes with the sockets; looks again each turn of the loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A rendezvous behind a port on loopback, with a clock that stands still, and the sockets that a test dials. */
export class RendezvousBench {
  readonly clock = new FakeClock();
  readonly refusals: Refusal[] = [];
  readonly rendezvous: Rendezvous;
  readonly server: Server;
  accepted = 0;
  readonly #sockets: Socket[] = [];

  private constructor(options: RendezvousOptions) {
    this.rendezvous = new Rendezvous({
      clock: this.clock,
      onRefused: (refusal) => this.refusals.push(refusal),
      ...options,
    });
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.accepted += 1;
      this.rendezvous.accept(socket);
    });
  }

  static async start(options: RendezvousOptions = {}): Promise<RendezvousBench> {
    const bench = new RendezvousBench(options);
    bench.server.listen(0, "127.0.0.1");
    await once(bench.server, "listening");
    return bench;
  }

  get refusalCodes(): string[] {
    return this.refusals.map(({ reason }) => reason.code);
  }

  /** A connection that has said nothing yet. */
  async dialRaw(): Promise<Socket> {
    return this.#keep(await dialLoopback(this.#port));
  }

  /** A leg that has sent its preface. */
  async arrive(token: HandshakeToken): Promise<Socket> {
    return this.#keep(await dialLeg({ host: "127.0.0.1", port: this.#port }, token));
  }

  /** A leg that is held. */
  async held(token: HandshakeToken): Promise<Socket> {
    const before = this.rendezvous.stats().waitingLegs;
    const socket = await this.arrive(token);
    await until(() => this.rendezvous.stats().waitingLegs > before);
    return socket;
  }

  async pairedLink(linkId = "l1"): Promise<{ link: LinkReservation; remote: Socket; tenant: Socket }> {
    const link = this.rendezvous.expect({ linkId, tenant: "acme" });
    const [remote, tenant] = [await this.arrive(link.remoteToken), await this.arrive(link.tenantToken)];
    expect(await link.paired).to.deep.equal({ outcome: "paired" });
    return { link, remote, tenant };
  }

  async stop(): Promise<void> {
    this.rendezvous.destroy({ code: "closed", message: "the test is over" });
    await this.rendezvous.closed;
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
    // No timer outlives the sockets.
    await until(() => this.clock.pending === 0);
  }

  get #port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #keep(socket: Socket): Socket {
    this.#sockets.push(socket);
    return socket;
  }
}

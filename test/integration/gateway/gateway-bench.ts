import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  type Address,
  CloudGateway,
  type CloudGatewayOptions,
  encodePreface,
  formatAddress,
  type GatewayCloud,
  HandshakeToken,
  type Refusal,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../support/dataplane-rendezvous.ts";
import { readBytes } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { CloudStub } from "./cloud-stub.ts";

/** Where clients dial from unless told. */
export const CLIENT = "127.9.1.1";
/** A leg's first bytes. */
export const PREFACE = encodePreface(HandshakeToken.generate());
/** How the gateway checks. */
export const CHECKS = { timeoutMs: 3000, checkEveryMs: 5000, retryEveryMs: 1000 };
/** Why the bench ends what is left. */
export const OVER = { code: "closed", message: "the test is over" } as const;

/** A cloud gateway with a clock that stands still, stubs of cloud redirectors, and clients from any address of 127/8. */
export class GatewayBench {
  readonly clock = new FakeClock();
  readonly refusals: Refusal[] = [];
  /** What the gateway said of the cloud redirectors' health: `127.0.0.1:PORT down dial-failed`. */
  readonly news: string[] = [];
  gateway!: CloudGateway;
  address!: Address;
  readonly #clouds: CloudStub[] = [];
  readonly #sockets: Socket[] = [];

  async cloud(...args: Parameters<typeof CloudStub.start>): Promise<CloudStub> {
    const stub = await CloudStub.start(...args);
    this.#clouds.push(stub);
    return stub;
  }

  /** Starts the gateway, and waits until it has news of each cloud redirector. @param host where it listens */
  async start(
    behind: readonly CloudStub[],
    options: Partial<CloudGatewayOptions> = {},
    host = "127.0.0.1",
  ): Promise<void> {
    const before = this.news.length;
    this.gateway = new CloudGateway({
      clouds: behind.map((stub) => stub.address),
      checks: CHECKS,
      onRefused: (refusal) => this.refusals.push(refusal),
      onHealth: (changed) => this.news.push(describeHealth(changed)),
      clock: this.clock,
      ...options,
    });
    this.address = await this.gateway.listen({ host, port: 0 });
    await until(() => this.news.length >= before + behind.length);
  }

  async dialFrom(localAddress = CLIENT): Promise<Socket> {
    const { port } = this.address;
    const socket = connect({ host: "127.0.0.1", port, localAddress, allowHalfOpen: true, noDelay: true });
    this.#sockets.push(socket);
    await once(socket, "connect");
    return socket.on("error", () => {});
  }

  /** A leg as far as a cloud redirector, where its preface was read. */
  async leg(stub: CloudStub, from = CLIENT): Promise<{ client: Socket; arrived: Socket }> {
    const client = await this.dialFrom(from);
    client.write(PREFACE);
    const { socket } = await stub.next();
    expect(await readBytes(socket, PREFACE.length)).to.deep.equal(PREFACE);
    return { client, arrived: socket };
  }

  get refusalCodes(): string[] {
    return this.refusals.map(({ reason }) => reason.code);
  }

  async stop(): Promise<void> {
    this.gateway.destroy(OVER);
    for (const socket of this.#sockets) socket.destroy();
    for (const stub of this.#clouds) await stub.stop();
    await until(() => this.clock.pending === 0 && this.gateway.stats().connections === 0);
  }
}

function describeHealth({ address, health }: GatewayCloud): string {
  const why = health.kind === "down" ? ` ${health.why.code}` : "";
  return `${formatAddress(address)} ${health.kind}${why}`;
}

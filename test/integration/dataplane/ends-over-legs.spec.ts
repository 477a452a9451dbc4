import { acceptTenantLeg, DrawbridgeError, encryptRemoteLeg, type EndToEndTlsOptions } from "@drawbridge/dataplane";
import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect, createServer, type TLSSocket } from "node:tls";
import { setEndsTogether } from "../../../packages/dataplane/src/held-open-leg.ts";
import { LEG_END_MS } from "../../../packages/dataplane/src/leg-end.ts";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";
import { LoopbackServer, readAll } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** What a stream buffers before it asks its source to wait, and a half of it. */
const FULL = 64 * 1024;
const HALF = FULL / 2;

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Something on the way of one direction that can hold what it is given, and then lets it out in one piece. */
class Sluice {
  isOpen = true;
  readonly #to: Socket;
  readonly #held: Buffer[] = [];
  hasEnd = false;

  constructor(from: Socket, to: Socket) {
    this.#to = to;
    from.on("data", (chunk: Buffer) => {
      if (this.isOpen) to.write(chunk);
      else this.#held.push(chunk);
    });
    from.once("end", () => (this.hasEnd = true)).resume();
  }

  release(): void {
    this.#to.end(Buffer.concat(this.#held));
  }
}

describe("ends of end-to-end TLS, and what the legs below do meanwhile", () => {
  const resources = new DisposableStack();
  let server: LoopbackServer;
  let operator: TestIdentity;
  let tenant: TestIdentity;
  let options: Pick<EndToEndTlsOptions, "certificateAuthorities" | "verifyPeer" | "serverName">;
  const sockets: Duplex[] = [];

  before(async () => {
    const authority = await TestAuthority.create();
    operator = await authority.issue("drawbridge://test/operator/ann");
    tenant = await authority.issue("drawbridge://test/tenant/acme");
    const serverName = "one.target.drawbridge.internal";
    options = { certificateAuthorities: [authority.certificate], verifyPeer: () => {}, serverName };
    server = resources.adopt(await LoopbackServer.start(), (started) => started.close());
  });
  after(() => resources.dispose());
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  async function pair(): Promise<{ near: Socket; far: Socket }> {
    const { near, far } = await server.pair();
    sockets.push(near, far);
    return { near, far };
  }

  /** Both ends of TLS over two sockets, the first as client. */
  async function inTls(near: Socket, far: Socket): Promise<[TLSSocket, TLSSocket]> {
    const outer = createServer({ key: tenant.key, cert: tenant.certificate, minVersion: "TLSv1.3" });
    const client = connect({ socket: near, rejectUnauthorized: false }).on("error", () => {});
    const accepted = once(outer, "secureConnection") as Promise<[TLSSocket]>;
    outer.emit("connection", far);
    const [[stream]] = await Promise.all([accepted, once(client, "secureConnect")]);
    client.allowHalfOpen = stream.allowHalfOpen = true;
    sockets.push(
      client,
      stream.on("error", () => {}),
    );
    return [client, stream];
  }

  async function encrypt(remote: Socket, accepting: Socket, more = {}): Promise<[TLSSocket, TLSSocket]> {
    const streams = await Promise.all([
      encryptRemoteLeg(remote, { ...operator, ...options }),
      acceptTenantLeg(accepting, { ...tenant, ...options, ...more }),
    ]);
    sockets.push(...streams);
    return streams;
  }

  /** What a stream comes to, once somebody reads it to there. */
  function outcomeOf(stream: TLSSocket): Promise<unknown> {
    return new Promise((resolve) => stream.once("end", () => resolve("an end in order")).once("error", resolve));
  }

  function expectCut(outcome: unknown): void {
    expect(outcome).to.be.instanceOf(DrawbridgeError).and.to.include({ code: "closed" });
  }

  /** A link whose tenant leg is inside of TLS; what the rendezvous does of itself, its ends, comes when the test wants it. */
  async function relayed(isHeldOpen: boolean, more = {}) {
    const wire = await pair();
    const [leg, atRendezvous] = await inTls(wire.near, wire.far);
    if (isHeldOpen) setEndsTogether(leg);
    const { near, far } = await pair();
    far.on("data", (chunk: Buffer) => atRendezvous.write(chunk)).resume();
    atRendezvous.on("data", (chunk: Buffer) => far.write(chunk));
    const [remote, accepted] = await encrypt(near, leg, more);
    return { far, atRendezvous, leg, remote, accepted };
  }

  for (const [where, isHeldOpen] of Object.entries({ "over TLS": false, "over TLS that ends as a whole": true })) {
    it(`what was written last arrives though the leg ${where} ends in two steps`, async () => {
      const { far, atRendezvous, leg, remote, accepted } = await relayed(isHeldOpen);
      atRendezvous.pause();
      const bytes = randomBytes(1024 * 1024);
      accepted.resume().end(bytes);
      await once(accepted, "finish");
      const received = readAll(remote);
      received.catch(() => {});
      remote.end();
      await once(accepted, "end");
      await turn();
      atRendezvous.end();
      await once(atRendezvous, "finish");
      await turn();
      atRendezvous.once("end", () => far.end()).once("close", () => far.end());
      atRendezvous.resume();
      expect((await received).equals(bytes)).to.equal(true);
      if (!accepted.closed) await once(accepted, "close");
      expect(leg.destroyed).to.equal(true);
    });

    it(`a leg ${where} that does not end after its stream is closed after a while`, async () => {
      const clock = new FakeClock();
      const { leg, remote, accepted } = await relayed(isHeldOpen, { clock });
      accepted.resume().end();
      remote.end();
      await until(() => accepted.readableEnded && clock.pending === 1);
      expect(leg.destroyed).to.equal(false);
      clock.advance(LEG_END_MS);
      await until(() => accepted.closed && leg.destroyed);
      expect(clock.pending).to.equal(0);
    });
  }

  it("a cut that comes while the reader makes it wait is no end over a leg that ends as a whole", async () => {
    const { near, far } = await pair();
    setEndsTogether(far);
    const [remote, accepted] = await encrypt(near, far);
    remote.write(randomBytes(FULL + HALF));
    await until(() => accepted.readableLength === FULL + HALF);
    await new Promise((resolve) => remote.write(randomBytes(HALF + HALF / 2), resolve));
    near.end();
    await until(() => far.readableEnded);
    const outcome = outcomeOf(accepted);
    // A reader that takes a little at a time is full again with each piece that comes.
    while (!accepted.destroyed && !accepted.readableEnded) {
      accepted.read(1024);
      await turn();
    }
    expectCut(await outcome);
  });

  for (const side of ["remote", "tenant"] as const) {
    it(`a cut that comes with more than the reader takes is no end over TLS, at the ${side} end`, async () => {
      const [first, second] = [await pair(), await pair()];
      const sluices = { remote: new Sluice(second.near, first.far), tenant: new Sluice(first.far, second.near) };
      const [near, far] = await inTls(first.near, second.far);
      const [remote, accepted] = await encrypt(near, far);
      const [reader, writer, leg] = side === "remote" ? [remote, accepted, far] : [accepted, remote, near];
      writer.write(randomBytes(FULL - 1024));
      await until(() => reader.readableLength === FULL - 1024);
      sluices[side].isOpen = false;
      await new Promise((resolve) => writer.write(randomBytes(2048), resolve));
      leg.end();
      await until(() => sluices[side].hasEnd);
      const outcome = outcomeOf(reader);
      sluices[side].release();
      await until(() => reader.readableLength === FULL + 1024 || reader.destroyed);
      await turn();
      reader.resume();
      expectCut(await outcome);
    });
  }
});

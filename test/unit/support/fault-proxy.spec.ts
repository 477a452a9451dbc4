import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { closedOf, dialLoopback, LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { BLACK_HOLE, bothWays } from "../../support/fault-connection.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { MAX_KEPT_BYTES } from "../../support/faulty-flow.ts";

/** Resolves to how a socket was closed. */
async function endOf(socket: Socket): Promise<string> {
  const [error] = (await Promise.race([once(socket, "error"), once(socket.resume(), "end")])) as [
    NodeJS.ErrnoException?,
  ];
  return error?.code ?? "end";
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe("the fault proxy", () => {
  let server: LoopbackServer;
  let proxy: FaultProxy;
  let near: Socket;
  let far: Socket;

  beforeEach(async () => {
    server = await LoopbackServer.start();
    proxy = await FaultProxy.start(server.address);
    near = await dialLoopback(proxy.port);
    far = await server.next();
  });
  afterEach(async () => {
    near.destroy();
    far.destroy();
    await proxy[Symbol.asyncDispose]();
    server.close();
    expect(proxy.counts().open).to.equal(0);
  });

  async function carries(bytes: number): Promise<void> {
    const [forth, back] = [randomBytes(bytes), randomBytes(bytes + 1)];
    near.end(forth);
    far.write(back);
    expect((await readAll(far)).equals(forth)).to.equal(true);
    // The other direction is open still.
    far.end("after the half-close");
    expect((await readAll(near)).equals(Buffer.concat([back, Buffer.from("after the half-close")]))).to.equal(true);
    expect(proxy.counts()).to.include({ accepted: 1, forth: bytes, back: bytes + 21 });
  }

  it("without faults passes every byte and each half-close on, and counts", () => carries(3_000_000));

  it("with latency and jitter delivers late, in order, unaltered", async () => {
    proxy.set(bothWays({ latencyMs: 40, jitterMs: 20 }));
    const begin = performance.now();
    await carries(500_000);
    expect(performance.now() - begin).to.be.at.least(80);
  });

  it("with pieces of a byte delivers many small pieces", async () => {
    proxy.set(bothWays({ pieceBytes: 1 }));
    const sizes: number[] = [];
    far.on("data", (bytes: Buffer) => sizes.push(bytes.length)).resume();
    near.end(Buffer.alloc(200));
    await once(far, "end");
    // The receiving kernel may put some together again.
    expect(sizes).to.have.length.above(50);
  });

  it("with pieces of a byte delivers thousands unaltered", async () => {
    proxy.set(bothWays({ pieceBytes: 1 }));
    await carries(4_000);
  });

  it("throttles to so many bytes a second", async () => {
    proxy.set({ forth: { bytesPerSecond: 100_000 } });
    near.end(Buffer.alloc(30_000));
    const begin = performance.now();
    expect(await readAll(far)).to.have.length(30_000);
    expect(performance.now() - begin).to.be.at.least(250);
  });

  it("swallows one direction and its end while the other goes on, for good", async () => {
    proxy.set({ forth: { lossy: true } });
    near.end("lost");
    far.end("found");
    expect((await readAll(near)).toString()).to.equal("found");
    expect(proxy.connections[0]).to.include({ swallowed: 4 });
    proxy.set();
    await turns(20);
    expect(far.read()).to.equal(null);
    expect(far.readableEnded).to.equal(false);
  });

  it("is a black hole that loses nothing once it is lifted, for connections that are there and for new ones", async () => {
    proxy.set(BLACK_HOLE);
    const later = await dialLoopback(proxy.port);
    later.end("from the second");
    near.end("from the first");
    far.end("back");
    await turns(50);
    expect([near.read(), far.read(), proxy.counts().forth]).to.deep.equal([null, null, 0]);
    proxy.set();
    expect([(await readAll(near)).toString(), (await readAll(far)).toString()]).to.deep.equal([
      "back",
      "from the first",
    ]);
    const second = await server.next();
    expect((await readAll(second)).toString()).to.equal("from the second");
    second.destroy();
    later.destroy();
  });

  it("keeps a reset back in a black hole, and passes it on afterwards", async () => {
    proxy.set(BLACK_HOLE);
    near.resetAndDestroy();
    await turns(50);
    expect(far.destroyed).to.equal(false);
    const end = endOf(far);
    proxy.set();
    expect(await end).to.equal("ECONNRESET");
  });

  it("passes a reset on as a reset", async () => {
    near.write("x");
    await readBytes(far, 1);
    const end = endOf(far);
    near.resetAndDestroy();
    expect(await end).to.equal("ECONNRESET");
  });

  it("resets both sides, of one connection or of all", async () => {
    const other = await dialLoopback(proxy.port);
    const otherFar = await server.next();
    const ends = Promise.all([endOf(near), endOf(far)]);
    proxy.connections[0]?.reset();
    expect(await ends).to.deep.equal(["ECONNRESET", "ECONNRESET"]);
    other.write("alive");
    expect((await readBytes(otherFar, 5)).toString()).to.equal("alive");
    const otherEnds = Promise.all([endOf(other), endOf(otherFar)]);
    proxy.reset();
    expect(await otherEnds).to.deep.equal(["ECONNRESET", "ECONNRESET"]);
  });

  it("cuts a connection after so many bytes", async () => {
    proxy.set({ forth: { cutAfterBytes: 1_000 } });
    near.write(Buffer.alloc(5_000));
    expect(await endOf(near)).to.equal("ECONNRESET");
    await closedOf(far);
    expect(proxy.counts()).to.include({ forth: 1_000, open: 0 });
  });

  it("sets faults for single connections", async () => {
    const other = await dialLoopback(proxy.port);
    const otherFar = await server.next();
    proxy.connections[1]?.set(BLACK_HOLE);
    other.write("kept");
    near.write("first");
    expect((await readBytes(far, 5)).toString()).to.equal("first");
    expect(proxy.connections.map(({ head }) => head)).to.deep.equal([0x66, 0x6b]);
    expect(otherFar.read()).to.equal(null);
    other.destroy();
    otherFar.destroy();
  });

  it("keeps no more than its bound of what a slow side does not read", async () => {
    proxy.set(BLACK_HOLE);
    near.write(Buffer.alloc(64_000_000));
    await turns(500);
    expect(near.writableLength).to.be.above(32_000_000);
    proxy.set();
    near.end();
    let bytes = 0;
    for await (const chunk of far) bytes += (chunk as Buffer).length;
    expect(bytes).to.equal(64_000_000);
    expect(MAX_KEPT_BYTES).to.equal(256 * 1024);
  });

  it("refuses whoever dials, while connections go on, and accepts again on the same port", async () => {
    const { port } = proxy;
    await proxy.refuse();
    const refused = await dialLoopback(port).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
    expect(refused).to.equal("ECONNREFUSED");
    near.write("still here");
    expect((await readBytes(far, 10)).toString()).to.equal("still here");
    await proxy.accept();
    (await dialLoopback(port)).destroy();
    expect(proxy.port).to.equal(port);
    (await server.next()).destroy();
  });

  it("resets a connection that its target refuses", async () => {
    server.close();
    await turns(2);
    const dialled = await dialLoopback(proxy.port);
    expect(await endOf(dialled)).to.equal("ECONNRESET");
  });
});

import { closeReason, splice } from "@drawbridge/dataplane";
import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeSync } from "node:fs";
import type { Socket } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
import { closedOf, LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { SPLICE_PATHS, SplicedPair } from "../../support/spliced-pair.ts";

const BUFFER_BYTES = 256 * 1024;
/** A full TLS record. */
const RECORD_BYTES = 16_384;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Writes past Node into a socket until the kernel takes no more, and goes on taking no more. Returns what it took. */
async function fill(socket: Duplex): Promise<Buffer> {
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const taken: Buffer[] = [];
  for (let quietTurns = 0; quietTurns < 200; quietTurns += 1) {
    try {
      for (;;) {
        const bytes = randomBytes(64 * 1024);
        taken.push(bytes.subarray(0, writeSync(fd, bytes)));
        quietTurns = 0;
      }
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).to.equal("EAGAIN");
    }
    await nextTurn();
  }
  return Buffer.concat(taken);
}

interface Ends {
  readonly near: Socket;
  readonly far: Socket;
}

/** Sends these bytes through a splice, half of them the other way as well, and expects them unaltered. */
async function transferThrough(a: Ends, b: Ends, bytes: Buffer): Promise<void> {
  const half = bytes.subarray(0, bytes.length / 2);
  const running = splice(a.far, b.far);
  a.near.end(bytes);
  b.near.end(half);
  const [atB, atA] = await Promise.all([readAll(b.near), readAll(a.near)]);
  expect(atB.equals(bytes)).to.equal(true);
  expect(atA.equals(half)).to.equal(true);
  await running.closed;
}

describe("splice (fast), where others cannot look", () => {
  let server: LoopbackServer;

  before(function () {
    if (process.platform === "win32") this.skip();
  });
  beforeEach(async () => (server = await LoopbackServer.start()));
  afterEach(() => server.close());

  it("is what sockets get, accepted or dialled, plain or TLS, and what nothing else does", async () => {
    for (const path of SPLICE_PATHS) {
      const pair = await SplicedPair.start(path);
      expect(pair.running.path).to.equal(path.startsWith("fast") ? "fast" : "streams");
      pair.stop();
    }
    const [a, b] = [await server.pair(), await server.pair()];
    const dialled = splice(a.near, b.far);
    expect(dialled.path).to.equal("fast");
    dialled.destroy(closeReason("closed", "the test is over"));
    const other = splice(new PassThrough(), b.near);
    expect(other.path).to.equal("streams");
    other.destroy(closeReason("closed", "the test is over"));
    await Promise.all([a.far, b.near].map(closedOf));
  });

  it("waits for a kernel that takes nothing (EAGAIN), and loses and reorders nothing", async () => {
    const [a, b] = [await server.pair(), await server.pair()];
    const before = await fill(b.far);
    const running = splice(a.far, b.far);
    const up = randomBytes(3 * BUFFER_BYTES + 1);
    a.near.end(up);
    while (running.counts().aToB === 0) await nextTurn();
    expect(b.far.writableLength).to.be.within(1, BUFFER_BYTES);
    // Meanwhile others read into the buffer that these bytes came through.
    await transferThrough(await server.pair(), await server.pair(), randomBytes(4 * BUFFER_BYTES));
    const received = await readAll(b.near);
    expect(received.equals(Buffer.concat([before, up]))).to.equal(true);
    b.near.end();
    await readAll(a.near);
    await running.closed;
    expect(running.counts()).to.deep.equal({ aToB: up.length, bToA: 0 });
  });

  it("tells a failed write from a kernel that takes nothing", async () => {
    const [a, b] = [await server.pair(), await server.pair()];
    const running = splice(a.far, b.far, { bName: "the tenant leg" });
    // The other direction is stuck, so that only a write can notice the reset.
    b.near.write(Buffer.alloc(64_000_000));
    for (let before = -1; before !== running.counts().bToA || before <= 0;) {
      before = running.counts().bToA;
      for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    }
    b.near.resetAndDestroy();
    await closedOf(b.near);
    a.near.write("too late");
    const failed = once(b.far, "error") as Promise<[NodeJS.ErrnoException]>;
    const [error] = await failed;
    expect(error.code).to.be.oneOf(["ECONNRESET", "EPIPE"]);
    expect((await running.closed).message).to.match(/^the tenant leg /);
    a.near.destroy();
  });

  it("reads no more than its buffer in one turn of the loop, however much there is", async () => {
    const [a, b] = [await server.pair(), await server.pair()];
    const waiting = await fill(a.near);
    expect(waiting.length).to.be.above(4 * BUFFER_BYTES);
    b.near.resume();
    const running = splice(a.far, b.far);
    let before = 0;
    while (running.counts().aToB < waiting.length) {
      await nextTurn();
      expect(running.counts().aToB - before).to.be.at.most(BUFFER_BYTES);
      before = running.counts().aToB;
    }
    running.destroy(closeReason("closed", "the test is over"));
    await Promise.all([closedOf(a.near), closedOf(b.near)]);
  });

  it("keeps links apart that read into the same buffer", async () => {
    const links = await Promise.all(
      Array.from({ length: 8 }, async () => ({ a: await server.pair(), bytes: randomBytes(2_000_000 + 1) })),
    );
    const transfers = links.map(async ({ a, bytes }) => transferThrough(a, await server.pair(), bytes));
    await Promise.all(transfers);
  });

  it("keeps TLS streams apart that read into the same buffer", async () => {
    const transfers = Array.from({ length: 6 }, async () => {
      const pair = await SplicedPair.start("fast, TLS");
      const [up, down] = [randomBytes(3_000_000), randomBytes(2_000_000)];
      pair.left.near.end(up);
      pair.right.near.write(down);
      pair.right.near.end();
      const [atRight, atLeft] = await Promise.all([readAll(pair.right.near), readAll(pair.left.near)]);
      expect(atRight.equals(up)).to.equal(true);
      expect(atLeft.equals(down)).to.equal(true);
      await pair.running.closed;
      pair.stop();
    });
    await Promise.all(transfers);
  });

  it("keeps full TLS records together and in order while a kernel takes nothing", async () => {
    const [stuck, other] = [await SplicedPair.start("fast, TLS"), await SplicedPair.start("fast, TLS")];
    const before = await fill(stuck.right.far);
    const [sent, meanwhile] = [randomBytes(40 * RECORD_BYTES), randomBytes(200 * RECORD_BYTES)];
    stuck.left.near.end(sent);
    while (stuck.running.counts().aToB === 0) await nextTurn();
    // Another link's records go through whatever these went through.
    other.left.near.end(meanwhile);
    expect((await readAll(other.right.near)).equals(meanwhile)).to.equal(true);
    const received = await readAll(stuck.right.near);
    expect(received.equals(Buffer.concat([before, sent]))).to.equal(true);
    expect(stuck.running.counts().aToB).to.equal(sent.length);
    for (const pair of [stuck, other]) pair.stop();
  });

  it("keeps small messages that a TLS stream cannot send yet", async () => {
    const pair = await SplicedPair.start("fast, TLS");
    const sent: Buffer[] = [];
    const moved = (): number => pair.running.counts().bToA;
    // Each is read by itself, until one is not read any more: the other end of the TLS stream does not read.
    for (let before = -1; before !== moved();) {
      before = moved();
      sent.push(randomBytes(10_000));
      pair.right.near.write(sent.at(-1));
      for (let turn = 0; turn < 100 && moved() === before; turn += 1) await nextTurn();
    }
    await transferThrough(await server.pair(), await server.pair(), randomBytes(4 * BUFFER_BYTES));
    pair.right.near.end();
    const received = await readAll(pair.left.near);
    expect(received.equals(Buffer.concat(sent))).to.equal(true);
    pair.stop();
  });

  it("tells when the first byte moved, and the last", async () => {
    const [a, b] = [await server.pair(), await server.pair()];
    const running = splice(a.far, b.far);
    expect(running.times().firstByteAt).to.equal(undefined);
    a.near.write("x");
    await readBytes(b.near, 1);
    const { startedAt, firstByteAt, lastActivityAt } = running.times();
    expect(firstByteAt).to.be.at.least(startedAt);
    expect(lastActivityAt).to.equal(firstByteAt);
    running.destroy(closeReason("closed", "the test is over"));
    for (const { near } of [a, b]) near.destroy();
  });
});

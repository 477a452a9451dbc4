import { closeReason, splice, type Splice } from "@drawbridge/dataplane";
import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { closedOf, LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("splice", () => {
  let server: LoopbackServer;
  let left: { near: Socket; far: Socket };
  let right: { near: Socket; far: Socket };
  let running: Splice;

  /** left.near ⇄ left.far ═ splice ═ right.far ⇄ right.near */
  beforeEach(async () => {
    server = await LoopbackServer.start();
    left = await server.pair();
    right = await server.pair();
    running = splice(left.far, right.far, { aName: "the remote leg", bName: "the tenant leg" });
  });

  afterEach(() => {
    server.close();
    running.destroy(closeReason("closed", "the test is over"));
    left.near.destroy();
    right.near.destroy();
  });

  it("copies megabytes both ways at once, unaltered, and counts them exactly", async () => {
    const up = randomBytes(8_000_001);
    const down = randomBytes(6_000_003);
    left.near.end(up);
    right.near.end(down);
    const [atRight, atLeft] = await Promise.all([readAll(right.near), readAll(left.near)]);
    expect([sha256(atRight), sha256(atLeft)]).to.deep.equal([sha256(up), sha256(down)]);
    expect(await running.closed).to.deep.equal({ code: "closed", message: "both sides ended the connection" });
    expect(running.counts()).to.deep.equal({ aToB: up.length, bToA: down.length });
  });

  for (const way of ["left to right", "right to left"]) {
    it(`passes the end of one side on and keeps the other direction open (${way})`, async () => {
      const [first, second] = way === "left to right" ? [left.near, right.near] : [right.near, left.near];
      first.end("question");
      expect((await readAll(second)).toString()).to.equal("question");
      for (const word of ["answer", "after", "answer"]) {
        second.write(word);
        expect((await readBytes(first, word.length)).toString()).to.equal(word);
      }
      second.end();
      expect(await readAll(first)).to.have.length(0);
      expect((await running.closed).code).to.equal("closed");
    });
  }

  it("delivers everything to a slow side whose other side has long ended", async () => {
    const bytes = randomBytes(8_000_000);
    right.near.resume().end(bytes);
    left.near.end();
    await once(right.near, "end");
    expect(sha256(await readAll(left.near))).to.equal(sha256(bytes));
    expect((await running.closed).message).to.equal("both sides ended the connection");
  });

  it("takes no more from a fast side than a slow side lets it", async () => {
    const size = 64_000_000;
    left.near.write(Buffer.alloc(size));
    // Quiet: bytes moved before, none moves any more, and most of them are still at the sender.
    let before = -1;
    while (before !== running.counts().aToB || before <= 0) {
      before = running.counts().aToB;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(right.far.writableLength).to.be.at.most(256 * 1024);
    expect(running.counts().aToB).to.be.below(size);
    left.near.end();
    expect(await readAll(right.near)).to.have.length(size);
  });

  it("delivers what a stream had buffered before, first and in order", async () => {
    const [a, b] = [await server.pair(), await server.pair()];
    a.far.unshift(Buffer.from("early "));
    a.near.end("late");
    const second = splice(a.far, b.far);
    expect((await readAll(b.near)).toString()).to.equal("early late");
    b.near.end();
    await readAll(a.near);
    await second.closed;
  });

  it("closes the other side when one is reset, and says which", async () => {
    left.near.write("x");
    await readBytes(right.near, 1);
    left.near.resetAndDestroy();
    await closedOf(right.near);
    expect(await running.closed).to.deep.equal({ code: "closed", message: "the remote leg reset the connection" });
  });

  it("closes the other side when one is destroyed", async () => {
    right.far.destroy();
    expect((await running.closed).message).to.equal("the tenant leg closed the connection");
    expect(left.far.destroyed).to.equal(true);
  });

  it("ends at once when one side was dead before", async () => {
    const { near, far } = await server.pair();
    near.destroy();
    left.near.end();
    const second = splice(near, far);
    expect((await second.closed).code).to.equal("closed");
    expect(far.destroyed).to.equal(true);
  });

  it("takes the first of several reasons, and leaves no listeners behind", async () => {
    running.destroy(closeReason("revoked", "the tenant was revoked"));
    running.destroy(closeReason("idle", "too late"));
    expect((await running.closed).code).to.equal("revoked");
    await Promise.all([closedOf(left.far), closedOf(right.far)]);
    for (const socket of [left.far, right.far]) {
      expect(socket.listenerCount("data") + socket.listenerCount("drain") + socket.listenerCount("close")).to.equal(0);
      // One is the loopback server's own.
      expect(socket.listenerCount("error")).to.equal(1);
    }
  });

  it("survives streams that fail in odd ways", async () => {
    for (const misbehave of ["read", "write", "final"] as const) {
      const odd = new Duplex({
        read() {
          if (misbehave === "read") this.destroy(new Error("cannot read"));
        },
        write: (_chunk, _encoding, done) => done(misbehave === "write" ? new Error("cannot write") : null),
        final: (done) => done(misbehave === "final" ? new Error("cannot end") : null),
      });
      const { near, far } = await server.pair();
      near.end("x");
      const second = splice(odd, far, { aName: "the odd stream" });
      expect((await second.closed).message).to.match(/^the odd stream failed/);
      near.destroy();
    }
  });
});

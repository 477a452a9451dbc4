import { closeReason, splice, type Splice } from "@drawbridge/dataplane";
import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { closedOf, LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { ALL_SPLICE_PATHS, SPLICE_PATHS, SplicedPair, type StreamEnds, useWorker } from "../../support/spliced-pair.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

for (const path of ALL_SPLICE_PATHS) {
  describe(`splice (${path})`, () => {
    let pair: SplicedPair;
    let left: StreamEnds;
    let right: StreamEnds;
    let running: Splice;

    useWorker(path);
    beforeEach(async () => {
      pair = await SplicedPair.start(path);
      ({ left, right, running } = pair);
    });

    afterEach(() => pair.stop());

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

      it(`delivers everything to a slow side whose other side has long ended (${way})`, async () => {
        const [slow, fast] = way === "left to right" ? [right.near, left.near] : [left.near, right.near];
        const bytes = randomBytes(8_000_000);
        fast.resume().end(bytes);
        slow.end();
        await once(fast, "end");
        expect(sha256(await readAll(slow))).to.equal(sha256(bytes));
        expect((await running.closed).message).to.equal("both sides ended the connection");
      });
    }

    it("closes the other side when one is reset, and says which", async () => {
      left.near.write("x");
      await readBytes(right.near, 1);
      right.reset();
      await closedOf(left.near);
      expect(await running.closed).to.deep.equal({ code: "closed", message: "the tenant leg reset the connection" });
    });
  });
}

for (const path of SPLICE_PATHS) {
  describe(`splice (${path}), between`, () => {
    let pair: SplicedPair;
    let left: StreamEnds;
    let right: StreamEnds;
    let running: Splice;

    beforeEach(async () => {
      pair = await SplicedPair.start(path);
      ({ left, right, running } = pair);
    });

    afterEach(() => pair.stop());

    it("takes no more from a fast side than a slow side lets it", async () => {
      const size = 64_000_000;
      left.near.write(Buffer.alloc(size));
      await untilStuck(running);
      expect(right.far.writableLength).to.be.at.most(256 * 1024);
      expect(running.counts().aToB).to.be.below(size);
      left.near.end();
      expect(await readAll(right.near)).to.have.length(size);
    });

    it("closes the other side when one is destroyed", async () => {
      right.far.destroy();
      expect((await running.closed).message).to.equal("the tenant leg closed the connection");
      expect(left.far.destroyed).to.equal(true);
    });

    it("notices a reset when it writes to a side that it has stopped to read", async () => {
      right.near.write(Buffer.alloc(64_000_000));
      await untilStuck(running);
      right.reset();
      left.near.write("too late");
      expect((await running.closed).message).to.match(/^the tenant leg (reset|closed) the connection/);
      expect(left.far.destroyed).to.equal(true);
    });

    it("takes the first of several reasons, moves nothing more, and leaves no listeners behind", async () => {
      left.near.write("x");
      await readBytes(right.near, 1);
      left.near.write("y");
      running.destroy(closeReason("revoked", "the tenant was revoked"));
      running.destroy(closeReason("idle", "too late"));
      expect((await running.closed).code).to.equal("revoked");
      await Promise.all([closedOf(left.far), closedOf(right.far)]);
      expect(running.counts()).to.deep.equal({ aToB: 1, bToA: 0 });
      const names = ["data", "drain", "close", "finish"];
      for (const name of names) expect(right.far.listenerCount(name), name).to.equal(0);
      // One is the loopback server's own.
      expect(right.far.listenerCount("error")).to.equal(1);
    });
  });
}

for (const streamsOnly of [false, true]) {
  describe(`splice (${streamsOnly ? "streams" : "fast"}), what it takes over`, () => {
    let server: LoopbackServer;
    beforeEach(async () => (server = await LoopbackServer.start()));
    afterEach(() => server.close());

    it("delivers what a stream had buffered before, first and in order", async () => {
      const [a, b] = [await server.pair(), await server.pair()];
      a.far.unshift(Buffer.from("early "));
      a.near.end("late");
      const running = splice(a.far, b.far, { streamsOnly });
      expect((await readAll(b.near)).toString()).to.equal("early late");
      b.near.end();
      await readAll(a.near);
      expect((await running.closed).code).to.equal("closed");
      expect(running.counts()).to.deep.equal({ aToB: 10, bToA: 0 });
    });

    it("delivers what was written to a stream before, first and in order", async () => {
      const [a, b] = [await server.pair(), await server.pair()];
      const before = randomBytes(16_000_000);
      b.far.write(before);
      a.near.end("after");
      const running = splice(a.far, b.far, { streamsOnly });
      const received = await readAll(b.near);
      expect(sha256(received)).to.equal(sha256(Buffer.concat([before, Buffer.from("after")])));
      b.near.end();
      await readAll(a.near);
      await running.closed;
    });

    it("delivers what a stream that has ended already had buffered", async () => {
      const [a, b] = [await server.pair(), await server.pair()];
      a.near.end("all of it");
      a.far.once("readable", () => {});
      a.far.read(0);
      await once(a.far, "readable");
      const running = splice(a.far, b.far, { streamsOnly });
      expect((await readAll(b.near)).toString()).to.equal("all of it");
      b.near.end();
      await readAll(a.near);
      await running.closed;
    });

    it("ends at once when one side was dead before", async () => {
      const [a, b] = [await server.pair(), await server.pair()];
      a.far.destroy();
      const running = splice(a.far, b.far, { streamsOnly });
      expect((await running.closed).code).to.equal("closed");
      expect(b.far.destroyed).to.equal(true);
      for (const { near } of [a, b]) near.destroy();
    });
  });
}

describe("splice with other streams", () => {
  it("survives streams that fail in odd ways", async () => {
    const server = await LoopbackServer.start();
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
      const running = splice(odd, far, { aName: "the odd stream" });
      expect((await running.closed).message).to.match(/^the odd stream failed/);
      near.destroy();
    }
    server.close();
  });
});

/** Resolves when bytes have moved and none moves any more, with most of them still at the sender. */
async function untilStuck(running: Splice): Promise<void> {
  const moved = (): number => running.counts().aToB + running.counts().bToA;
  let before = -1;
  while (before !== moved() || before <= 0) {
    before = moved();
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

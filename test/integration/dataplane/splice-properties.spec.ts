import { expect } from "chai";
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { closedOf } from "../../support/dataplane-sockets.ts";
import { ALL_SPLICE_PATHS, SplicedPair, useWorker } from "../../support/spliced-pair.ts";

/** One side's part: what it writes, when it rests, and how slowly it reads. */
const side = fc.record({
  chunks: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400_000 })), { maxLength: 12 }),
  rests: fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
  readBytes: fc.constantFrom(1_000, 70_000, 1_000_000),
});
type Side = typeof side extends fc.Arbitrary<infer Value> ? Value : never;

async function rest(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Writes all chunks, and returns them. What cannot be written any more is left out. */
async function write(stream: Duplex, { chunks, rests }: Side): Promise<Buffer> {
  const written: Buffer[] = [];
  for (const [index, size] of chunks.entries()) {
    if (!stream.writable) break;
    const chunk = randomBytes(size);
    written.push(chunk);
    if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), closedOnly(stream)]).catch(() => {});
    await rest(rests[index % rests.length] ?? 0);
  }
  return Buffer.concat(written);
}

function closedOnly(stream: Duplex): Promise<void> {
  return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once("close", resolve));
}

/** Reads to the end or the reset, slowly: so many bytes at a time, with rests between. */
async function read(stream: Duplex, { rests, readBytes }: Side): Promise<Buffer> {
  const received: Buffer[] = [];
  for (let turn = 0; ; turn += 1) {
    const chunk = (stream.read(Math.min(readBytes, stream.readableLength)) ?? stream.read()) as Buffer | null;
    if (chunk !== null) received.push(chunk);
    else if (stream.readableEnded || stream.closed || stream.destroyed) return Buffer.concat(received);
    await rest(1 + (rests[turn % rests.length] ?? 0));
  }
}

for (const path of ALL_SPLICE_PATHS) {
  describe(`splice (${path}), whatever both sides do`, function () {
    this.timeout(60_000);
    useWorker(path);

    it("delivers exactly what was sent, each way, with either side ending first", async () => {
      await fc.assert(
        fc.asyncProperty(side, side, async (a, b) => {
          const pair = await SplicedPair.start(path);
          const { left, right, running } = pair;
          const sent = Promise.all([
            write(left.near, a).finally(() => left.near.end()),
            write(right.near, b).finally(() => right.near.end()),
          ]);
          const [atRight, atLeft] = await Promise.all([read(right.near, b), read(left.near, a)]);
          const [up, down] = await sent;
          expect(atRight.equals(up)).to.equal(true);
          expect(atLeft.equals(down)).to.equal(true);
          expect((await running.closed).message).to.equal("both sides ended the connection");
          expect(running.counts()).to.deep.equal({ aToB: up.length, bToA: down.length });
          pair.stop();
        }),
        { numRuns: 25 },
      );
    });

    it("cuts the other side off when one is reset, and alters nothing of what came before", async () => {
      await fc.assert(
        fc.asyncProperty(side, side, fc.boolean(), async (a, b, leftResets) => {
          const pair = await SplicedPair.start(path);
          const { left, right, running } = pair;
          const [{ near: resetting, reset }, { near: other }] = leftResets ? [left, right] : [right, left];
          const writes = Promise.all([
            write(resetting, a).finally(reset),
            write(other, b).catch(() => Buffer.alloc(0)),
          ]);
          const received = await read(other, b);
          const [sent] = await writes;
          expect((await running.closed).code).to.equal("closed");
          await closedOf(other);
          expect(received.equals(sent.subarray(0, received.length))).to.equal(true);
          const { aToB, bToA } = running.counts();
          expect(received.length).to.be.at.most(leftResets ? aToB : bToA);
          pair.stop();
        }),
        { numRuns: 25 },
      );
    });
  });
}

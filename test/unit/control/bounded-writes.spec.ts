import { expect } from "chai";
import { BoundedWrites } from "../../../packages/control/src/cloud/bounded-writes.ts";

describe("writes on their way to the store", () => {
  it("begin in order, no more than 256 at a time, and are idle when the last is done", async () => {
    const writes = new BoundedWrites();
    const begun: number[] = [];
    const finish: (() => void)[] = [];
    const all = Array.from({ length: 600 }, (_, index) =>
      writes.run(() => {
        begun.push(index);
        return new Promise<void>((resolve) => finish.push(resolve));
      }),
    );
    expect(begun).to.have.length(256);
    let isIdle = false;
    const idle = writes.idle().then(() => (isIdle = true));
    while (begun.length < 600) {
      finish.shift()?.();
      await new Promise(setImmediate);
      expect(finish.length).to.be.at.most(256);
    }
    expect(isIdle).to.equal(false);
    for (const done of finish) done();
    await Promise.all(all);
    await idle;
    expect(begun).to.deep.equal(Array.from({ length: 600 }, (_, index) => index));
  });

  it("pass their errors on, and let the next one begin", async () => {
    const writes = new BoundedWrites();
    const failed = writes.run(() => Promise.reject(new RangeError("the disk is full")));
    expect(await failed.catch(String)).to.contain("the disk is full");
    await writes.run(() => Promise.resolve());
    await writes.idle();
  });
});

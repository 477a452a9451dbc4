import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { openTarget } from "../../../packages/control/src/tenant/open-target.ts";
import { programPipe } from "../../../packages/control/src/wire/program-pipe.ts";
import { readAll, readBytes } from "../../support/dataplane-sockets.ts";

/** What becomes of a stream that is read: its end, or its error's text. */
const outcome = (stream: Duplex): Promise<string> =>
  readAll(stream).then(
    (bytes) => `ended after ${bytes.toString()}`,
    (error: unknown) => String(error),
  );

describe("a pipe inside of this program", () => {
  it("carries bytes both ways, and each direction ends alone", async () => {
    const { near, far } = programPipe();
    near.end("there");
    expect(await outcome(far)).to.equal("ended after there");
    far.end("and back");
    expect(await outcome(near)).to.equal("ended after and back");
    if (!near.destroyed) await once(near, "close");
    expect(far.errored).to.equal(null);
  });

  it("never calls it an end when the far end is destroyed, without an error too", async () => {
    const { near, far } = programPipe(() => new Error("cut off"));
    far.write("a part");
    const read = outcome(near);
    far.destroy();
    expect(await read).to.equal("Error: cut off");
  });

  it("destroys the far end with the near one, unless both directions have ended", async () => {
    const { near, far } = programPipe();
    far.resume();
    near.end("all of it");
    await once(far, "end");
    expect(far.destroyed).to.equal(false);
    near.destroy();
    if (!far.closed) await once(far, "close");
    expect(far.writableFinished).to.equal(false);
  });
});

describe("a target that a program serves", () => {
  const link = { sessionId: "s-1", linkId: "l-1", operator: "alice", target: "inbox" };
  const { signal } = new AbortController();

  it("is told of a link only once that is read, and so verified", async () => {
    const served = Promise.withResolvers<Duplex>();
    let calls = 0;
    const serve = (stream: Duplex): void => {
      calls += 1;
      served.resolve(stream);
    };
    const far = await openTarget({ serve }, link, signal);
    far.write("early");
    await new Promise(setImmediate);
    expect(calls).to.equal(0);
    far.resume();
    expect((await readBytes(await served.promise, 5)).toString()).to.equal("early");
    far.pause().resume();
    await new Promise(setImmediate);
    expect(calls).to.equal(1);
    far.destroy();
  });

  it("is not told of a link that came to nothing, and cuts one off where it throws", async () => {
    let calls = 0;
    const serve = (): never => {
      calls += 1;
      throw new Error("no");
    };
    const unused = await openTarget({ serve }, link, signal);
    unused.destroy();
    const far = await openTarget({ serve }, link, signal);
    far.resume();
    await once(far, "close");
    expect(calls).to.equal(1);
    expect(far.readableEnded).to.equal(false);
  });
});

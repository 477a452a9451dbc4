import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { expect } from "chai";
import { resetSocket } from "../../../packages/dataplane/src/reset-socket.ts";
import { closedOf, LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";

const descriptors = (): number => readdirSync("/proc/self/fd").length;

describe("resetting a socket", () => {
  let server: LoopbackServer;
  let near: Socket;
  let far: Socket;
  before(async () => (server = await LoopbackServer.start()));
  after(() => server.close());
  beforeEach(async () => {
    ({ near, far } = await server.pair());
    near.write("x");
    await readBytes(far, 1);
  });
  afterEach(() => far.destroy());

  it("tells the peer that the stream was cut off", async () => {
    near.write("part of it");
    resetSocket(near);
    resetSocket(near);
    const [error] = (await once(far.resume(), "error")) as [NodeJS.ErrnoException];
    expect(error.code).to.equal("ECONNRESET");
  });

  it("closes the descriptor also of a socket that is about to send its end", async function () {
    if (process.platform !== "linux") return this.skip();
    const before = descriptors();
    near.end();
    // Here Node has asked for the shutdown, and libuv has not done it.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    resetSocket(near);
    await closedOf(near);
    expect(descriptors()).to.equal(before - 1);
    await once(far.resume(), "end");
  });
});

import { dial, dialLeg, DrawbridgeError, HandshakeToken, PrefaceReader } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { Socket } from "node:net";
import { LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";

async function failure(promise: Promise<Socket>): Promise<DrawbridgeError> {
  try {
    (await promise).destroy();
  } catch (error) {
    expect(error).to.be.instanceOf(DrawbridgeError);
    return error as DrawbridgeError;
  }
  throw new Error("it succeeded");
}

describe("dial", () => {
  let server: LoopbackServer;

  beforeEach(async () => {
    server = await LoopbackServer.start();
  });
  afterEach(() => server.close());

  it("returns a socket that allows half-open use", async () => {
    const socket = await dial(server.address);
    const far = await server.next();
    far.end("done");
    expect((await readAll(socket)).toString()).to.equal("done");
    socket.end("still");
    expect((await readAll(far)).toString()).to.equal("still");
  });

  it("reads nothing and loses nothing before its caller does", async () => {
    const socket = await dial(server.address);
    const far = await server.next();
    far.write("banner");
    await new Promise((resolve) => setImmediate(resolve));
    expect((await readBytes(socket, 6)).toString()).to.equal("banner");
    socket.destroy();
    far.destroy();
  });

  it("says that an address refused the connection", async () => {
    const address = server.address;
    server.close();
    const error = await failure(dial(address));
    expect(error).to.include({ code: "dial-failed", message: `127.0.0.1:${address.port} refused the connection` });
    expect(error.remedy).to.not.equal("");
  });

  it("says that a name does not resolve", async () => {
    const error = await failure(dial({ host: "no-such-host.invalid", port: 1 }));
    expect(error.code).to.equal("dial-failed");
    expect(error.message).to.match(/^no-such-host\.invalid:1 cannot be (found|looked up)/);
  });

  it("goes on to a name's next address at once when one refuses", async () => {
    const { port } = server.address;
    const resolve = (): Promise<string[]> => Promise.resolve(["::1", "127.0.0.9", "127.0.0.1"]);
    const socket = await dial({ host: "several.example", port }, { resolve });
    expect(socket.remoteAddress).to.equal("127.0.0.1");
    socket.destroy();
    (await server.next()).destroy();
  });

  it("refuses a target's name when any one of its addresses is forbidden", async () => {
    const { port } = server.address;
    const resolve = (): Promise<string[]> => Promise.resolve(["127.0.0.1", "169.254.169.254"]);
    const error = await failure(dial({ host: "several.example", port }, { resolve, isTarget: true }));
    expect(error).to.have.property("code", "permission-denied");
  });

  it("gives up at its deadline", async () => {
    const clock = new FakeClock();
    const promise = dial(server.address, { timeoutMs: 700, clock });
    clock.advance(700);
    const error = await failure(promise);
    expect(error.message).to.match(/did not answer within 700 ms$/);
  });

  it("gives up when aborted, before or during, and keeps no listener on the signal", async () => {
    const controller = new AbortController();
    const promise = dial(server.address, { signal: controller.signal });
    controller.abort();
    expect(await failure(promise)).to.have.property("code", "cancelled");
    const reason = new DrawbridgeError("shutting-down", "bye");
    expect(await failure(dial(server.address, { signal: AbortSignal.abort(reason) }))).to.equal(reason);
  });

  it("survives an error on a socket that nobody looks at yet", async () => {
    const socket = await dial(server.address);
    const far = await server.next();
    socket.write("x");
    far.resetAndDestroy();
    await new Promise((resolve) => socket.once("close", resolve).resume());
    expect(socket.destroyed).to.equal(true);
  });

  it("writes the preface first on a leg", async () => {
    const token = HandshakeToken.generate();
    const leg = await dialLeg(server.address, token);
    leg.end("stream");
    const progress = new PrefaceReader().push(await readAll(await server.next().then((far) => far.end())));
    if (progress.state !== "complete") throw new Error("the preface is incomplete");
    expect(progress.token.digest()).to.equal(token.digest());
    expect(progress.rest.toString()).to.equal("stream");
    leg.destroy();
  });
});

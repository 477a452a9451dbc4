import type { Socket } from "node:net";
import { expect } from "chai";
import type { Chain, ListeningSession } from "../../support/chain.ts";
import { openSession, startChain, stopChain } from "../../support/chain.ts";
import { stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { expectBulkUnaltered } from "./bulk.ts";
import { TargetServer } from "./target-server.ts";

const MB = 1024 * 1024;

/** Dials, says this, half-closes, and returns what comes back until the end. */
async function ask(port: number, text: string): Promise<string> {
  const socket = await dialLoopback(port);
  socket.end(text);
  const answer = (await readAll(socket)).toString();
  socket.destroy();
  return answer;
}

describe("data through the command line's chain", function () {
  this.timeout(60_000);
  const resources = new AsyncDisposableStack();
  let chain: Chain;
  const accepted: Socket[] = [];
  let onAccepted: (socket: Socket) => void = () => {};
  const target = async (name: string, serve: (socket: Socket) => void): Promise<string> =>
    resources.use(await TargetServer.start(serve)).named(name);
  const session = (name: string): Promise<ListeningSession> => openSession(chain, name);

  before(async () => {
    const targets = await Promise.all([
      target("echo", (socket) => socket.pipe(socket)),
      target("taken", (socket) => {
        accepted.push(socket);
        onAccepted(socket);
      }),
      target("first", (socket) => socket.end("welcome")),
      target("silent", (socket) => socket.resume().once("end", () => socket.end())),
      target("closing", (socket) => socket.destroy()),
    ]);
    chain = await startChain(targets);
  });
  after(async () => {
    await stopChain(chain);
    await resources.disposeAsync();
  });

  it("carries 64 MB each way at once unaltered, through half-closes of both sides", async () => {
    await using open = await session("taken");
    const far = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const near = await dialLoopback(open.port);
    const target = await far;
    await expectBulkUnaltered(near, target, 64 * MB);
    const closed = await open.process.waitForEvent("link-closed");
    expect(closed).to.include({ code: "closed", toTenant: 64 * MB, toRemote: 64 * MB });
    await stopCli(open.process);
    const end = open.process.events.findLast(({ event }) => event === "session-ended");
    expect(end).to.include({ code: "closed", toTenant: 64 * MB, toRemote: 64 * MB });
  });

  it("lets the client read on after its half-close, and the target after its own", async () => {
    await using open = await session("taken");
    const far = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const near = await dialLoopback(open.port);
    near.end("question");
    const target = await far;
    expect((await readAll(target)).toString()).to.equal("question");
    target.end("answer");
    expect((await readAll(near)).toString()).to.equal("answer");

    const farther = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const other = await dialLoopback(open.port);
    const second = await farther;
    second.end("all that I have");
    expect((await readAll(other)).toString()).to.equal("all that I have");
    other.end("thanks");
    expect((await readAll(second)).toString()).to.equal("thanks");
  });

  it("serves a target that speaks first, one that never speaks, and one that closes at once", async () => {
    await using first = await session("first");
    const greeted = await dialLoopback(first.port);
    expect((await readAll(greeted)).toString()).to.equal("welcome");
    greeted.end();
    await using silent = await session("silent");
    expect(await ask(silent.port, "anybody?")).to.equal("");
    await using closing = await session("closing");
    const dropped = await dialLoopback(closing.port);
    await closedOf(dropped);
    await closing.process.waitForEvent("link-closed");
  });

  it("delivers bytes that the client sent before the link was there", async () => {
    await using open = await session("echo");
    const early = "x".repeat(200_000);
    expect(await ask(open.port, early)).to.equal(early);
  });

  it("carries 50 links of one session at once", async () => {
    await using open = await session("echo");
    const texts = Array.from({ length: 50 }, (_, index) => `link ${index} `.repeat(1_000));
    expect(await Promise.all(texts.map((text) => ask(open.port, text)))).to.deep.equal(texts);
    await open.process.waitForEvent("link-closed", {
      where: () => open.process.events.filter(({ event }) => event === "link-closed").length === 50,
    });
    const links = new Set(open.process.events.filter(({ event }) => event === "link-opened").map(({ link }) => link));
    expect(links.size).to.equal(50);
  });
});

import { once } from "node:events";
import { access } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";

import type { Address, DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";

import { LoopbackListener } from "../../../packages/control/src/remote/loopback-listener.ts";
import { MacosSocketOwners } from "../../../packages/control/src/remote/socket-owner-macos.ts";
import { platformSocketOwners } from "../../../packages/control/src/remote/socket-owner-platform.ts";
import type { SocketOwner, SocketOwners } from "../../../packages/control/src/remote/socket-owner.ts";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { connectAsNobody, NOBODY_UID, otherUserIt, whyNoOtherUser } from "../../support/other-user.ts";

const ANY_PORT = { host: "127.0.0.1", port: 0 };

/** A listener that keeps what it is told. */
class TestListener {
  readonly accepted: Socket[] = [];
  readonly refusals: { refusal: DrawbridgeError; count: number }[] = [];
  readonly listener: LoopbackListener;
  #changed = Promise.withResolvers<void>();

  constructor(owners: SocketOwners | "everybody" = platformSocketOwners()) {
    this.listener = new LoopbackListener({
      owners: owners === "everybody" ? undefined : owners,
      onConnection: (socket) => {
        socket.on("error", () => {});
        this.accepted.push(socket);
        this.#tell();
      },
      onRefused: (refusal, count) => {
        this.refusals.push({ refusal, count });
        this.#tell();
      },
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  /** The next connection that is let in. */
  async next(): Promise<Socket> {
    await this.until(() => this.accepted.length > 0);
    return this.accepted.shift()!;
  }

  close(): void {
    this.listener.close();
    for (const socket of this.accepted) socket.destroy();
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}

async function dial({ host, port }: Address): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

describe("loopback listener", () => {
  let test: TestListener;
  afterEach(() => test.close());

  /** Sends through a new connection, and expects it to arrive whole. */
  async function expectLetIn(address: Address): Promise<void> {
    const client = await dial(address);
    client.end("hello");
    const accepted = await test.next();
    expect((await readAll(accepted)).toString()).to.equal("hello");
    accepted.end();
    await Promise.all([closedOf(client), closedOf(accepted)]);
  }

  it("lets in a connection of the own user, with the bytes that came before it was known whose it is", async () => {
    test = new TestListener();
    await expectLetIn(await test.listener.listen(ANY_PORT));
    expect(test.refusals).to.deep.equal([]);
  });

  it("lets in the own user over an IPv6 socket to an IPv4 address, and over ::1", async function () {
    test = new TestListener();
    const { port } = await test.listener.listen({ host: "127.0.0.1", port: 0 });
    const mapped = await dial({ host: "::ffff:127.0.0.1", port }).catch(() => undefined);
    if (mapped === undefined) return void this.skip();
    (await test.next()).destroy();
    await closedOf(mapped);
    test.close();
    test = new TestListener();
    await expectLetIn(await test.listener.listen({ host: "::1", port: 0 }));
  });

  it("lets in many connections at once", async () => {
    test = new TestListener();
    const address = await test.listener.listen(ANY_PORT);
    const clients = await Promise.all(Array.from({ length: 50 }, () => dial(address)));
    await test.until(() => test.accepted.length === clients.length);
    test.close();
    await Promise.all(clients.map(closedOf));
  });

  otherUserIt("refuses a connection of another user, tells of it, and still lets in the own user", async () => {
    test = new TestListener();
    const address = await test.listener.listen(ANY_PORT);
    expect((await connectAsNobody(address, "let me in")).received).to.equal("");
    const { refusal, count } = test.refusals[0]!;
    expect(refusal).to.have.property("code", "permission-denied");
    expect(refusal.message).to.include(`another user (uid ${NOBODY_UID})`);
    expect(count).to.equal(1);
    expect(test.accepted).to.deep.equal([]);
    await expectLetIn(address);
  });

  otherUserIt(
    "refuses another user's connection that is closed before anybody can look, though its row says uid 0",
    async () => {
      test = new TestListener();
      const address = await test.listener.listen(ANY_PORT);
      await connectAsNobody(address, "let me in", "leave");
      await test.until(() => test.refusals.length === 1);
      expect(test.accepted).to.deep.equal([]);
    },
  );

  it("refuses a connection whose owner nobody knows, or whose look-up fails", async () => {
    const answers: (() => Promise<SocketOwner>)[] = [
      async () => ({ kind: "unknown", why: "the platform is silent" }),
      async () => {
        throw new Error("the table is gone");
      },
    ];
    test = new TestListener({ ownerOf: () => answers.shift()!() });
    const address = await test.listener.listen(ANY_PORT);
    for (const text of ["the platform is silent", "the table is gone"]) {
      await closedOf(await dial(address));
      expect(test.refusals.at(-1)?.refusal.message).to.include(text);
    }
    expect(test.accepted).to.deep.equal([]);
  });

  it("tells of the first refusal and then each time their number doubles", async () => {
    test = new TestListener({ ownerOf: async () => ({ kind: "other", owner: "uid 1" }) });
    const address = await test.listener.listen(ANY_PORT);
    for (let index = 0; index < 9; index++) await closedOf(await dial(address));
    expect(test.refusals.map(({ count }) => count)).to.deep.equal([1, 2, 4, 8]);
  });

  it("closes connections that are being checked when it is closed, and hands none over afterwards", async () => {
    const answer = Promise.withResolvers<SocketOwner>();
    const asked = Promise.withResolvers<AbortSignal>();
    test = new TestListener({
      ownerOf: (_connection, signal) => {
        asked.resolve(signal);
        return answer.promise;
      },
    });
    const client = await dial(await test.listener.listen(ANY_PORT));
    const signal = await asked.promise;
    test.listener.close();
    await closedOf(client);
    expect(signal.aborted).to.equal(true);
    answer.resolve({ kind: "own" });
    await answer.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(test.accepted).to.deep.equal([]);
    expect(test.refusals).to.deep.equal([]);
  });

  it("checks a bounded number at once and refuses the others unseen", async () => {
    const answer = Promise.withResolvers<SocketOwner>();
    let asked = 0;
    test = new TestListener({
      ownerOf: () => {
        asked += 1;
        return answer.promise;
      },
    });
    const address = await test.listener.listen(ANY_PORT);
    const clients = await Promise.all(Array.from({ length: 65 }, () => dial(address)));
    await test.until(() => test.refusals.length === 1);
    expect(asked).to.equal(64);
    expect(test.refusals[0]!.refusal.message).to.include("too many connections");
    answer.resolve({ kind: "own" });
    await test.until(() => test.accepted.length === 64);
    test.close();
    await Promise.all(clients.map(closedOf));
  });

  otherUserIt("lets in everybody when it is told to", async () => {
    test = new TestListener("everybody");
    const address = await test.listener.listen(ANY_PORT);
    const client = connectAsNobody(address, "hello");
    const accepted = await test.next();
    accepted.end("welcome");
    expect((await readBytes(accepted, 5)).toString()).to.equal("hello");
    expect(await client).to.deep.equal({ received: "welcome", end: "closed" });
    await closedOf(accepted);
  });

  it("knows its own user by lsof, as on macOS", async function () {
    const lsof = await firstThere(["/usr/sbin/lsof", "/usr/bin/lsof"]);
    test = new TestListener(new MacosSocketOwners(lsof));
    if (lsof === undefined) return void this.skip();
    const address = await test.listener.listen(ANY_PORT);
    await expectLetIn(address);
    if (whyNoOtherUser() !== undefined) return;
    await connectAsNobody(address, "let me in");
    expect(test.refusals[0]!.refusal.message).to.include(`another user (uid ${NOBODY_UID})`);
  });

  describe("with several addresses", () => {
    let taken: { server: ReturnType<typeof createServer>; address: Address };
    before(async () => {
      const server = createServer().listen(ANY_PORT);
      await once(server, "listening");
      const bound = server.address();
      if (bound === null || typeof bound === "string") throw new Error("no address");
      taken = { server, address: { host: "127.0.0.1", port: bound.port } };
    });
    after(() => taken.server.close());

    it("passes over those that are in use", async () => {
      test = new TestListener();
      const address = await test.listener.listen(taken.address, taken.address, ANY_PORT);
      expect(address.port).to.not.equal(taken.address.port);
      await expectLetIn(address);
    });

    it("fails as the last one does", async () => {
      test = new TestListener();
      const outcome = await test.listener.listen(taken.address, taken.address).catch((error: unknown) => error);
      expect(outcome).to.have.property("code", "address-in-use");
    });

    it("never listens where other machines could reach it, whatever stands behind", async () => {
      for (const host of ["0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example", "127.0.0.256"]) {
        test = new TestListener();
        const outcome = await test.listener.listen({ host, port: 0 }, ANY_PORT).catch((error: unknown) => error);
        expect(outcome, host).to.have.property("code", "invalid-argument");
      }
    });
  });
});

async function firstThere(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}

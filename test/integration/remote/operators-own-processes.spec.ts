import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { stableLoopbackAddress } from "@drawbridge/control/remote";
import { parseAddress, type Address } from "@drawbridge/dataplane";
import { expect } from "chai";

import { openSession, startChain, stopChain, type Chain } from "../../support/chain.ts";
import { closedOf, readBytes } from "../../support/dataplane-sockets.ts";
import { connectAsNobody, NOBODY_UID, otherUserIt } from "../../support/other-user.ts";

/** Sends back what it receives, and counts its connections. */
class EchoTarget {
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    socket.pipe(socket);
  });

  async start(): Promise<number> {
    this.#server.listen({ host: "127.0.0.1", port: 0 });
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function expectEcho({ host, port }: Address): Promise<void> {
  const client = connect({ host, port, allowHalfOpen: true });
  client.on("error", () => {});
  await once(client, "connect");
  client.write("hello");
  expect((await readBytes(client, 5)).toString()).to.equal("hello");
  client.end();
  await closedOf(client);
}

describe("a session on a shared machine", function () {
  this.timeout(60_000);
  const target = new EchoTarget();
  const chains: Chain[] = [];
  const chain = (): Chain => chains[0]!;
  before(async () => {
    chains.push(await startChain([`rdp=127.0.0.1:${await target.start()}`]));
  });
  after(async () => {
    target.stop();
    await Promise.all(chains.map(stopChain));
  });
  beforeEach(() => (target.connections = 0));

  // PEERS.md, pain 14: other users of the operator's machine can use the local port.
  otherUserIt("is of no use to another user: no link is requested, and no byte reaches the tenant", async () => {
    await using session = await openSession(chain());
    const address = parseAddress(session.address);
    expect((await connectAsNobody(address, "let me in")).received).to.equal("");
    const refused = await session.process.waitForEvent("client-refused");
    expect(refused).to.include({ code: "permission-denied", count: 1 });
    expect(refused["message"]).to.include(`another user (uid ${NOBODY_UID})`);
    await expectEcho(address);
    const linkEvents = session.process.events.filter(({ event }) => event === "link-opened");
    expect(linkEvents).to.have.lengthOf(1);
    expect(target.connections).to.equal(1);
  });

  otherUserIt("lets another user in with --allow-other-users", async () => {
    await using session = await openSession(chain(), "rdp", ["--allow-other-users"]);
    await connectAsNobody(parseAddress(session.address), "hello", "leave");
    await session.process.waitForEvent("link-opened");
  });

  it("listens on the target's own address, with two sessions at once as with one", async function () {
    // Elsewhere 127.0.0.1 is the only one.
    if (process.platform === "darwin") this.skip();
    const own = stableLoopbackAddress({ provider: "demo", tenant: "acme", target: "rdp" });
    const addresses: Address[] = [];
    await using first = await chain().connect(["--client", "none"]);
    addresses.push(parseAddress(String((await first.waitForEvent("listening"))["address"])));
    await using second = await chain().connect(["--client", "none"]);
    addresses.push(parseAddress(String((await second.waitForEvent("listening"))["address"])));
    expect(addresses.map(({ host }) => host)).to.deep.equal([own.host, own.host]);
    expect(addresses[0]!.port).to.not.equal(addresses[1]!.port);
    for (const address of addresses) await expectEcho(address);
  });

  it("listens where --listen says, and nowhere else", async () => {
    await using session = await openSession(chain(), "rdp", ["--listen", "127.0.0.1:0"]);
    const taken = await chain().connect(["--client", "none", "--listen", session.address]);
    expect((await taken.ended()).code).to.not.equal(0);
  });
});

import { once } from "node:events";
import { createServer, Socket } from "node:net";
import {
  type Address,
  type DialOptions,
  DrawbridgeError,
  FAILED_BEHIND_MS,
  formatAddress,
  Gateways,
  type GatewaysOptions,
  HandshakeToken,
  Reach,
  ServiceRecords,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import { closedOf } from "../../support/dataplane-sockets.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const gateways = (addresses: string[], options: GatewaysOptions = {}): Gateways =>
  new Gateways(addresses, new Reach(), { clock: new FakeClock(), ...options });

/** A way out on which some places answer and the others do not; keeps what was dialled, and for how long. */
class FakeReach extends Reach {
  readonly dialled: [string, number | undefined][] = [];
  readonly #answering: readonly string[];
  readonly #clock: FakeClock;

  constructor(answering: readonly string[], clock: FakeClock) {
    super();
    this.#answering = answering;
    this.#clock = clock;
  }

  override dialLeg(address: Address, _token: HandshakeToken, { timeoutMs }: DialOptions = {}): Promise<Socket> {
    const place = formatAddress(address);
    this.dialled.push([place, timeoutMs]);
    if (this.#answering.includes(place)) return Promise.resolve(new Socket());
    this.#clock.advance(timeoutMs ?? 0);
    return Promise.reject(new DrawbridgeError("dial-failed", `${place} did not answer`));
  }
}

describe("gateways", () => {
  it("are tried in the order of the list where nothing else is said", async () => {
    expect(await gateways(["a:1", "b:1", "c:1"]).inOrder()).to.deep.equal(["a:1", "b:1", "c:1"]);
  });

  it("are tried by priority where it is said", async () => {
    expect(await gateways(["5 1 a:1", "1 1 b:1", "3 1 c:1"]).inOrder()).to.deep.equal(["b:1", "c:1", "a:1"]);
  });

  it("are preferred by priority, those in the list to all others, and none that failed lately", async () => {
    const list = gateways(["5 1 a:1", "1 1 b:1", "3 1 c:1"], { reserve: ["z:1"] });
    expect(await list.preferredTo("a:1")).to.deep.equal(["b:1", "c:1"]);
    expect(await list.preferredTo("b:1")).to.deep.equal([]);
    expect(await list.preferredTo("z:1")).to.deep.equal(["b:1", "c:1", "a:1"]);
    list.failed("b:1");
    expect(await list.preferredTo("z:1")).to.deep.equal(["c:1", "a:1"]);
  });

  it("spread by weight", async () => {
    const list = gateways(["0 1 a:1", "0 1 b:1"]);
    const firsts = await Promise.all(Array.from({ length: 200 }, () => list.next()));
    expect(new Set(firsts)).to.deep.equal(new Set(["a:1", "b:1"]));
  });

  it("take the places of a service from its records, which a later entry stands behind", async () => {
    const services = new ServiceRecords(() =>
      Promise.resolve([
        { name: "far.example", port: 443, priority: 60_000, weight: 1 },
        { name: "near.example", port: 443, priority: 2, weight: 1 },
      ]),
    );
    const list = gateways(["_drawbridge._tcp.provider.example", "last.example:443"], { services });
    expect(await list.inOrder()).to.deep.equal(["near.example:443", "far.example:443", "last.example:443"]);
  });

  it("say so when the list leads nowhere", async () => {
    const services = new ServiceRecords(() => Promise.reject(new Error("ENOTFOUND")));
    const failure = await gateways(["_drawbridge._tcp.provider.example"], { services })
      .next()
      .catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(DrawbridgeError).with.property("code", "dial-failed");
    expect(failure).to.have.property("message").that.includes("_drawbridge._tcp.provider.example");
  });

  it("stand behind the others for a while once they failed, the oldest failure first", async () => {
    const clock = new FakeClock();
    const list = gateways(["a:1", "b:1", "c:1"], { clock });
    list.failed("a:1");
    clock.advance(1);
    list.failed("b:1");
    expect(await list.inOrder()).to.deep.equal(["c:1", "a:1", "b:1"]);
    expect(list.hasOtherThan("c:1")).to.equal(false);
    expect(list.hasOtherThan("a:1")).to.equal(true);
    clock.advance(FAILED_BEHIND_MS - 1);
    expect(await list.inOrder()).to.deep.equal(["a:1", "c:1", "b:1"]);
    list.worked("b:1");
    expect(await list.inOrder()).to.deep.equal(["a:1", "b:1", "c:1"]);
  });

  it("keep those of the list before in reserve, behind the new ones", async () => {
    const told: unknown[] = [];
    const list = gateways(["a:1"], { onReplaced: (...lists) => told.push(lists) });
    list.replace(["b:1", "c:1"], "a:1");
    expect(told).to.deep.equal([[["b:1", "c:1"], ["a:1"]]]);
    expect(await list.inOrder()).to.deep.equal(["b:1", "c:1", "a:1"]);
    list.replace(["a:1"], "b:1");
    expect(list.reserve).to.deep.equal(["b:1"]);
  });

  it("reach the reserve once everything in the list has failed", async () => {
    const list = gateways(["dead:1"], { reserve: ["alive:1"] });
    list.failed("dead:1");
    expect(await list.next()).to.equal("alive:1");
  });

  it("tell nobody when the same list comes again, and take no list that cannot be read", () => {
    let told = 0;
    const list = gateways(["a:1"], { onReplaced: () => void (told += 1) });
    list.replace(["a:1"], "a:1");
    list.replace([], "a:1");
    list.replace(["no port", "-1 a:2"], "a:1");
    expect(told).to.equal(0);
    expect(list.addresses).to.deep.equal(["a:1"]);
  });

  it("are bounded, however long a list a server sends, and however many of them", async () => {
    const list = gateways(["a:1"]);
    for (let turn = 0; turn < 50; turn += 1) {
      list.replace(
        Array.from({ length: 1_000 }, (_, index) => `g${turn}-${index}.example:443`),
        `at${turn}.example:443`,
      );
    }
    expect(list.addresses).to.have.length(16);
    expect(list.reserve).to.have.length(8);
    expect(await list.inOrder()).to.have.length(24);
  });
});

describe("gateways dialling a leg", () => {
  const token = HandshakeToken.generate();

  function listOf(addresses: string[], answering: string[]): { list: Gateways; reach: FakeReach } {
    const clock = new FakeClock();
    const reach = new FakeReach(answering, clock);
    return { list: new Gateways(addresses, reach, { clock }), reach };
  }

  it("dial the place that they are told first, then the others", async () => {
    const { list, reach } = listOf(["a:1", "b:1", "c:1"], ["c:1"]);
    (await list.dialLeg("b:1", token)).destroy();
    expect(reach.dialled.map(([place]) => place)).to.deep.equal(["b:1", "a:1", "c:1"]);
    expect(await list.next()).to.equal("c:1");
  });

  it("give each but the last three seconds, and all together no longer than the time", async () => {
    const { list, reach } = listOf(["a:1", "b:1", "c:1"], []);
    const failure = await list.dialLeg("a:1", token, { timeoutMs: 10_000 }).catch((error: unknown) => error);
    expect(failure).to.have.property("message", "a:1 did not answer");
    expect(reach.dialled).to.deep.equal([
      ["a:1", 3_000],
      ["b:1", 3_000],
      ["c:1", 4_000],
    ]);
  });

  it("give the only place the whole time", async () => {
    const { list, reach } = listOf(["a:1"], []);
    await list.dialLeg("a:1", token, { timeoutMs: 7_000 }).catch(() => {});
    expect(reach.dialled).to.deep.equal([["a:1", 7_000]]);
  });

  it("send the token to one place only: a leg that was dialled is not dialled again", async () => {
    const [first, second] = [createServer((socket) => socket.destroy()), createServer()];
    let seconds = 0;
    second.on("connection", () => (seconds += 1));
    const [a, b] = await Promise.all(
      [first, second].map(async (server) => {
        await once(server.listen(0, "127.0.0.1"), "listening");
        return `127.0.0.1:${(server.address() as { port: number }).port}`;
      }),
    );
    const leg = await new Gateways([a as string, b as string]).dialLeg(a as string, token);
    await closedOf(leg);
    expect(seconds).to.equal(0);
    first.close();
    second.close();
  });
});

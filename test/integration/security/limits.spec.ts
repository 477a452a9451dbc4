import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { CloudLimits } from "@drawbridge/control/cloud";
import { type EnrolledIdentity, InviteSecret } from "@drawbridge/control/identity";
import { redeemInvite } from "@drawbridge/control/rpc";
import { type CloseReason, DrawbridgeError, encodePreface, HandshakeToken, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { cloudSettingsSchema } from "../../../packages/control/src/cloud/cloud-settings.ts";
import { NO_METRICS } from "../../../packages/control/src/cloud/metrics/metrics-port.ts";
import { CloudBench, TodaysFakeClock } from "../control/cloud-bench.ts";
import type { ScriptedOperator, ScriptedTenant } from "../control/scripted-peers.ts";
import { CallFrames } from "./call-frames.ts";

/** The first bytes of a ClientHello that never comes (RFC 8446, 5.1 and 4). */
const HALF_A_HANDSHAKE = Buffer.from("1603010200010001fc0303", "hex");
const { signal } = new AbortController();

/** A cloud redirector with one limit set low, and everything that is opened to it. */
class LimitBench implements AsyncDisposable {
  readonly cloud: CloudBench;
  readonly #sockets: Socket[] = [];

  constructor(cloud: CloudBench) {
    this.cloud = cloud;
  }

  silent(): Promise<Socket> {
    return this.#keep(connect(this.cloud.port, "127.0.0.1"), "connect");
  }

  async halfHandshake(): Promise<Socket> {
    const socket = await this.silent();
    socket.write(HALF_A_HANDSHAKE);
    return socket;
  }

  tls(identity?: EnrolledIdentity): Promise<TLSSocket> {
    const options: ConnectionOptions = { port: this.cloud.port, host: "127.0.0.1", ALPNProtocols: ["h2"] };
    const own = identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey };
    return this.#keep(connectTls({ ...options, rejectUnauthorized: false, ...own }), "secureConnect");
  }

  async leg(token: Uint8Array): Promise<Socket> {
    const socket = await this.silent();
    socket.write(encodePreface(HandshakeToken.fromBytes(token)));
    return socket;
  }

  async #keep<Kept extends Socket>(socket: Kept, ready: string): Promise<Kept> {
    this.#sockets.push(socket);
    socket.on("error", () => {}).resume();
    await Promise.race([once(socket, ready), new Promise((resolve) => socket.once("close", resolve))]);
    return socket;
  }

  /**
   * Resolves when one of these has been closed, and asserts that the others are still open.
   * @param why what the log says; a TLS handshake has a deadline by the machine's clock.
   */
  async expectOneClosed(sockets: readonly Socket[], why = ""): Promise<void> {
    const closed = async (socket: Socket): Promise<void> => {
      if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
    };
    await Promise.race(sockets.map(closed));
    expect(sockets.filter((socket) => !socket.destroyed)).to.have.length(sockets.length - 1);
    expect(this.cloud.logged("debug").join("\n")).to.include(why);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.cloud[Symbol.asyncDispose]();
  }
}

/** So many one after the other, each given the time to be taken in. */
async function several<Value>(count: number, open: () => Promise<Value>): Promise<Value[]> {
  const opened: Value[] = [];
  for (let index = 0; index < count; index += 1) opened.push(await open());
  return opened;
}

async function refusalOf(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "allowed";
  } catch (error) {
    return error instanceof DrawbridgeError ? error.code : String(error);
  }
}

async function openSession(bench: LimitBench): Promise<{ tenant: ScriptedTenant; operator: ScriptedOperator }> {
  const { cloud } = bench;
  const tenant = await cloud.tenant(await cloud.enrolTenant("acme"));
  const { operator } = await cloud.session(tenant, await cloud.enrolOperator("olga"));
  return { tenant, operator };
}

async function secondInvite({ cloud }: LimitBench): Promise<void> {
  const admin = cloud.admin(await cloud.enrolOperator("root", "admin"));
  const invite = (name: string) => admin.createInvite({ kind: "tenant", name, groups: [] }, signal);
  await invite("first");
  expect(await refusalOf(() => invite("second"))).to.equal("limit-exceeded");
}

async function thirdEnrolment({ cloud }: LimitBench): Promise<void> {
  const code = await cloud.invite({ kind: "tenant", name: "acme", groups: [] });
  const guess = () => redeemInvite("tenant", { ...code, secret: InviteSecret.random() }, new Reach());
  const refusals = await several(3, () => refusalOf(guess));
  expect(refusals).to.deep.equal(["invite-invalid", "invite-invalid", "limit-exceeded"]);
}

async function secondLink(bench: LimitBench): Promise<void> {
  const { tenant, operator } = await openSession(bench);
  operator.requestLink();
  await operator.next("linkTicket");
  operator.requestLink();
  expect((await operator.next("linkRefused")).reason?.code).to.equal("limit-exceeded");
  operator.cut();
  tenant.cut();
}

async function secondLeg(bench: LimitBench): Promise<void> {
  const { tenant, operator } = await openSession(bench);
  operator.requestLink();
  operator.requestLink();
  const tickets = [await operator.next("linkTicket"), await operator.next("linkTicket")];
  const legs = await Promise.all(tickets.map(({ token }) => bench.leg(token)));
  await bench.expectOneClosed(legs);
  operator.cut();
  tenant.cut();
}

/** A second session, of another operator or to another tenant where the limit is not about them. */
async function secondSession(bench: LimitBench, otherOperator: boolean, otherTenant: boolean): Promise<void> {
  const { cloud } = bench;
  const olga = await cloud.enrolOperator("olga");
  const [acme, bolt] = [await cloud.enrolTenant("acme"), await cloud.enrolTenant("bolt")];
  const tenants = [await cloud.tenant(acme), await cloud.tenant(bolt)];
  const { operator: first } = await cloud.session(tenants[0]!, olga);
  const who = otherOperator ? await cloud.enrolOperator("otto") : olga;
  const second = cloud.operator(who, otherTenant ? "bolt" : "acme");
  expect((await second.end()).error).to.include({ code: "limit-exceeded" });
  first.cut();
  for (const tenant of tenants) tenant.cut();
}

async function thirdCall(bench: LimitBench): Promise<void> {
  const viewer = await bench.cloud.enrolOperator("vera", "viewer");
  const calls = new CallFrames(await bench.tls(viewer));
  const [first, second, third] = [0, 1, 2].map(() => calls.begin("/drawbridge.v1.RegistryService/Watch"));
  await calls.refused(third!);
  // REFUSED_STREAM (RFC 9113, section 7).
  expect(calls.reset.get(third!)).to.equal(7);
  expect([calls.reset.has(first!), calls.reset.has(second!)]).to.deep.equal([false, false]);
}

/** Each limit, how low it is set, and what then is too much. A limit that is not here does not compile. */
const SCENARIOS: Readonly<Record<keyof CloudLimits, readonly [limit: number, (bench: LimitBench) => Promise<void>]>> = {
  silentSocketsPerAddress: [2, async (bench) => bench.expectOneClosed(await several(3, () => bench.silent()))],
  silentSockets: [2, async (bench) => bench.expectOneClosed(await several(3, () => bench.silent()))],
  handshakesPerAddress: [
    1,
    async (bench) =>
      bench.expectOneClosed(await several(2, () => bench.halfHandshake()), "too many handshakes are under way"),
  ],
  handshakes: [
    1,
    async (bench) =>
      bench.expectOneClosed(await several(2, () => bench.halfHandshake()), "newer handshakes needed its place"),
  ],
  anonymousPerAddress: [
    1,
    async (bench) => bench.expectOneClosed(await several(2, () => bench.tls()), "too many connections are open"),
  ],
  anonymous: [
    1,
    async (bench) =>
      bench.expectOneClosed(
        await several(2, () => bench.tls()),
        "newer connections without a certificate needed its place",
      ),
  ],
  enrollmentsPerAddressPerMinute: [2, thirdEnrolment],
  enrollmentsPerMinute: [2, thirdEnrolment],
  connectionsPerPrincipal: [
    1,
    async (bench) => {
      const olga = await bench.cloud.enrolOperator("olga");
      await bench.expectOneClosed(await several(2, () => bench.tls(olga)), "too many connections are open");
    },
  ],
  callsPerConnection: [2, thirdCall],
  waitingLegsPerTenant: [1, secondLeg],
  waitingLegsPerAddress: [1, secondLeg],
  waitingLegs: [1, secondLeg],
  links: [1, secondLink],
  linksPerSession: [1, secondLink],
  sessionsPerOperator: [1, (bench) => secondSession(bench, false, true)],
  sessionsPerTenant: [1, (bench) => secondSession(bench, true, false)],
  sessions: [1, (bench) => secondSession(bench, true, true)],
  pendingInvites: [1, secondInvite],
};

describe("PEERS security 15: each limit of settings.json", () => {
  it("has a test here", () => {
    const { limits } = cloudSettingsSchema.parse({ publicAddress: "a.example:1", listen: "0.0.0.0:1" });
    expect(Object.keys(SCENARIOS).sort()).to.deep.equal(Object.keys(limits).sort());
  });

  for (const [name, [limit, tooMuch]] of Object.entries(SCENARIOS)) {
    it(`is enforced over the wire: ${name}`, async () => {
      // On a clock that stands still no deadline closes anything in the limit's place.
      const hit = new Set<string>();
      const note = ({ limit: which }: CloseReason): void => {
        if (which !== undefined) hit.add(which);
      };
      const metrics = { ...NO_METRICS, socketRefused: note, callRefused: note, linkRefused: note };
      const cloud = await CloudBench.start(new TodaysFakeClock(), { limits: { [name]: limit } }, metrics);
      await using bench = new LimitBench(cloud);
      await tooMuch(bench);
      // How many calls a connection has open is kept by HTTP/2, which tells nobody.
      expect([...hit], "limits that metrics were told of").to.deep.equal(name === "callsPerConnection" ? [] : [name]);
    });
  }
});

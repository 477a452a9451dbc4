import { openTestLink, type TestLink } from "@drawbridge/control/rpc";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { dialLeg, type HandshakeToken, parseAddress } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { Socket } from "node:net";
import { closedOf, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import { CloudBench, TodaysFakeClock } from "./cloud-bench.ts";

/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

describe("a test link", () => {
  let bench: CloudBench;
  let clock: TodaysFakeClock;
  let acme: EnrolledIdentity;
  let olga: EnrolledIdentity;

  beforeEach(async () => {
    clock = new TodaysFakeClock();
    bench = await CloudBench.start(clock);
    acme = await bench.enrolTenant("acme");
    olga = await bench.enrolOperator("olga", "viewer");
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const open = (identity: EnrolledIdentity): Promise<TestLink> => openTestLink(bench.channel(identity), signal);
  const leg = (token: HandshakeToken): Promise<Socket> => dialLeg(parseAddress(bench.address), token);

  async function expectCarries(link: TestLink): Promise<[Socket, Socket]> {
    const [one, other] = await Promise.all([leg(link.tokens[0]), leg(link.tokens[1])]);
    one.write("there");
    expect((await readBytes(other, 5)).toString()).to.equal("there");
    other.write("and back");
    expect((await readBytes(one, 8)).toString()).to.equal("and back");
    return [one, other];
  }

  it("carries bytes both ways between two legs of one caller, tenant or operator", async () => {
    for (const identity of [acme, olga]) {
      const [one, other] = await expectCarries(await open(identity));
      one.end();
      await closedOf(other);
      await closedOf(one);
    }
  });

  it("comes with the cloud redirector's clock and the address that it saw", async () => {
    clock.advance(3_600_000);
    const link = await open(acme);
    expect(link.serverTime).to.equal(clock.wallNow());
    expect(link.sourceAddress).to.match(/^127\.0\.0\.1/);
    expect(link.expiresInMs).to.equal(30_000);
    expect(link.rendezvousAddress).to.equal("");
  });

  it("is one at a time: a new one ends the one before, and leaves other callers' alone", async () => {
    const others = await expectCarries(await open(olga));
    const first = await open(acme);
    const legs = await expectCarries(first);
    const waiting = await open(acme);
    await Promise.all(legs.map(closedOf));
    const held = await leg(waiting.tokens[0]);
    const legsOfLast = await expectCarries(await open(acme));
    await closedOf(held);
    others[0].write("still there");
    expect((await readBytes(others[1], 11)).toString()).to.equal("still there");
    for (const socket of [...others, ...legsOfLast]) socket.destroy();
  });

  it("pairs no leg with one of another link", async () => {
    const [mine, theirs] = [await open(acme), await open(olga)];
    const one = await leg(mine.tokens[0]);
    const other = await leg(theirs.tokens[1]);
    one.write("nobody may read this");
    clock.advance(30_000);
    await Promise.all([closedOf(one), closedOf(other)]);
    expect(other.bytesRead).to.equal(0);
  });

  it("ends when its tokens lapse, also while bytes flow: nobody has a relay in it", async () => {
    const legs = await expectCarries(await open(acme));
    clock.advance(29_999);
    legs[0].write("in time");
    expect((await readBytes(legs[1], 7)).toString()).to.equal("in time");
    clock.advance(1);
    await Promise.all(legs.map(closedOf));
  });

  it("takes each token once", async () => {
    const link = await open(acme);
    const legs = await expectCarries(link);
    await closedOf(await leg(link.tokens[0]));
    legs[0].write("undisturbed");
    expect((await readBytes(legs[1], 11)).toString()).to.equal("undisturbed");
    for (const socket of legs) socket.destroy();
  });

  it("ends with its caller's access", async () => {
    const admin = await bench.enrolOperator("ada", "admin");
    const legs = await expectCarries(await open(acme));
    await bench.admin(admin).revoke("tenant", "acme", signal);
    clock.advance(1_000);
    await Promise.all(legs.map(closedOf));
    expect((await thrown(() => open(acme))).code).to.equal("revoked");
  });

  it("is no session: the audit log and the list of sessions say nothing of it", async () => {
    const admin = await bench.enrolOperator("ada", "admin");
    const legs = await expectCarries(await open(acme));
    expect(await bench.admin(admin).listSessions(signal)).to.deep.equal([]);
    const events: string[] = [];
    for await (const { event } of bench.admin(admin).readAudit({ follow: false }, signal)) events.push(event);
    expect(events.filter((event) => !/^(invited|enrolled)$/.test(event))).to.deep.equal([]);
    for (const socket of legs) socket.destroy();
  });
});

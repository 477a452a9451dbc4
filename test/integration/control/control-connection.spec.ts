import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { AdminClient } from "@drawbridge/control/remote";
import { MessageQueue, serviceDefinition } from "@drawbridge/control/rpc";
import { ControlService } from "@drawbridge/gen/drawbridge/v1/control";
import { expect } from "chai";
import { until } from "../../support/dataplane-rendezvous.ts";
import { CloudBench, TodaysFakeClock } from "./cloud-bench.ts";
import { ScriptedTenant } from "./scripted-peers.ts";

/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

describe("control connection", () => {
  let bench: CloudBench;
  let acme: EnrolledIdentity;
  let olga: EnrolledIdentity;
  beforeEach(async () => {
    bench = await CloudBench.start();
    acme = await bench.enrolTenant("acme");
    olga = await bench.enrolOperator("olga", "admin");
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const stateOf = async (name: string): Promise<string | undefined> =>
    (await bench.admin(olga).listTenants(signal)).find((tenant) => tenant.name === name)?.state;

  it("puts the tenant online while it lasts", async () => {
    expect(await stateOf("acme")).to.equal("offline");
    const tenant = await bench.tenant(acme);
    expect(await stateOf("acme")).to.equal("online");
    tenant.goodbye();
    expect(await tenant.end()).to.deep.equal({ skipped: [], error: undefined });
    expect(await stateOf("acme")).to.equal("offline");
  });

  it("PEERS security 17: supersedes an older one, which gets a goodbye, and whose end changes nothing", async () => {
    const first = await bench.tenant(acme);
    const second = await bench.tenant(acme);
    expect((await first.next("goodbye")).reason?.code).to.equal("superseded");
    expect((await first.end()).error).to.equal(undefined);
    expect(second.epoch > first.epoch).to.equal(true);
    expect(await stateOf("acme")).to.equal("online");
    const { operator } = await bench.session(second, olga);
    operator.cut();
  });

  it("has a larger epoch after a restart of the cloud redirector", async () => {
    const first = await bench.tenant(acme);
    await bench.stop();
    await first.end();
    await bench.run();
    expect((await bench.tenant(acme)).epoch > first.epoch).to.equal(true);
  });

  it("ends with an error when a second hello comes", async () => {
    const tenant = await bench.tenant(acme);
    tenant.out.push({ message: { case: "hello", value: { protocolVersion: 1 } } });
    expect((await tenant.end()).error?.code).to.equal("protocol-violation");
    await until(() => bench.logged("info").includes("tenant acme is offline"));
  });

  it("ends the sessions of a tenant that says goodbye", async () => {
    const tenant = await bench.tenant(acme);
    const { operator } = await bench.session(tenant, olga);
    tenant.goodbye();
    expect((await operator.next("ended")).reason?.code).to.equal("tenant-lost");
  });

  it("leaves the sessions of a tenant whose connection is lost, and brings them in line when it is back", async () => {
    const tenant = await bench.tenant(acme);
    const [kept, forgotten] = [await bench.session(tenant, olga), await bench.session(tenant, olga)];
    tenant.cut();
    await until(() => bench.logged("info").includes("tenant acme is offline"));
    expect(await bench.admin(olga).listSessions(signal)).to.have.length(2);
    const back = await bench.tenant(acme, [kept.sessionId, "s-unknown"]);
    expect((await forgotten.operator.next("ended")).reason?.code).to.equal("tenant-lost");
    const closes = [await back.next("sessionClose"), await back.next("sessionClose")].map(({ sessionId }) => sessionId);
    expect(closes.sort()).to.deep.equal([forgotten.sessionId, "s-unknown"].sort());
    kept.operator.requestLink();
    await back.next("linkOffer");
    kept.operator.cut();
  });

  it("PEERS security 9: has no power over another tenant's sessions and links", async () => {
    const bolt = await bench.tenant(await bench.enrolTenant("bolt"));
    const tenant = await bench.tenant(acme);
    const operator = bench.operator(olga);
    const { sessionId } = await tenant.next("sessionOffer");
    bolt.accept(sessionId);
    bolt.closeSession(sessionId);
    // What bolt said is dealt with once something that it said later has had its effect.
    bolt.goodbye();
    await bolt.end();
    expect((await bench.admin(olga).listSessions(signal))[0]).to.include({ id: sessionId, state: "pending" });
    tenant.accept(sessionId);
    await operator.next("opened");
    operator.requestLink();
    const { linkId } = await tenant.next("linkOffer");
    const back = await bench.tenant(await bench.enrolTenant("bolt"), [sessionId]);
    expect((await back.next("sessionClose")).sessionId).to.equal(sessionId);
    back.refuseLink(linkId);
    back.goodbye();
    await back.end();
    expect((await bench.admin(olga).listSessions(signal))[0]).to.include({ state: "open", links: 1 });
    operator.cut();
  });

  it("is refused to operators", async () => {
    const failure = await ScriptedTenant.connect(bench.channel(olga)).catch((error: unknown) => error);
    expect(failure).to.have.property("code", "permission-denied");
  });
});

describe("session offers", () => {
  it("lapse when nobody answers, and the tenant is told", async () => {
    const clock = new TodaysFakeClock();
    await using bench = await CloudBench.start(clock);
    const tenant = await bench.tenant(await bench.enrolTenant("acme"));
    const operator = bench.operator(await bench.enrolOperator("olga"));
    const { sessionId } = await tenant.next("sessionOffer");
    clock.advance(10_000);
    expect((await operator.end()).error?.code).to.equal("handshake-timeout");
    expect((await tenant.next("sessionClose")).sessionId).to.equal(sessionId);
    tenant.cut();
  });

  it("lapse when the person who is asked does not answer", async () => {
    const clock = new TodaysFakeClock();
    await using bench = await CloudBench.start(clock);
    const tenant = await bench.tenant(await bench.enrolTenant("acme"));
    const operator = bench.operator(await bench.enrolOperator("olga"));
    const { sessionId } = await tenant.next("sessionOffer");
    const value = { within: { seconds: 30n, nanos: 0 } };
    tenant.out.push({ message: { case: "sessionAnswer", value: { sessionId, decision: { case: "pending", value } } } });
    expect((await operator.next("pending")).within?.seconds).to.equal(30n);
    clock.advance(30_000);
    expect((await operator.end()).error?.code).to.equal("consent-expired");
    tenant.cut();
  });

  it("wait for their first message no longer than five seconds", async () => {
    const clock = new TodaysFakeClock();
    await using bench = await CloudBench.start(clock);
    const channel = bench.channel(await bench.enrolTenant("acme"));
    // A call of any kind, so that the connection is there and only the stream's own timer is to come.
    await new AdminClient(channel).listTenants(signal).catch(() => {});
    const before = clock.pending;
    const silence = new MessageQueue<object>();
    const answer = channel.client(serviceDefinition(ControlService)).connect(silence)[Symbol.asyncIterator]().next();
    const failure = answer.catch((error: unknown) => error);
    await until(() => clock.pending > before);
    clock.advance(5_000);
    expect(await failure).to.have.property("code", "handshake-timeout");
    silence.end();
  });
});

import type { ErrorCode } from "@drawbridge/dataplane";
import { expect } from "chai";
import { thrown } from "../identity/thrown.ts";
import { BrokerBench } from "./broker-bench.ts";
import { FakeRemotePort, operator } from "./fake-ports.ts";

async function expectRefusal(open: () => unknown, code: ErrorCode): Promise<void> {
  expect((await thrown(open)).code).to.equal(code);
}

describe("session broker", () => {
  it("refuses a tenant that is unknown, and one that the operator may not see, with the same words", async () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const open = (tenant: string, mayReach: boolean) => () => {
      const purpose = { tenant, target: "rdp", reason: "", ticket: "" };
      const request = { purpose, maxDurationMs: undefined };
      return bench.broker.open(operator(), request, new FakeRemotePort(), () => mayReach);
    };
    const unknown = await thrown(open("nobody", true));
    const unseen = await thrown(open("acme", false));
    expect(unknown.code).to.equal("tenant-not-found");
    expect(unseen.code).to.equal("tenant-not-found");
    expect(unseen.message).to.equal(unknown.message.replace("nobody", "acme"));
  });

  it("refuses an offline tenant, an unknown target and a session above a limit, and then offers nothing", async () => {
    const bench = new BrokerBench({ maxSessionsPerOperator: 2, maxSessionsPerTenant: 3, maxSessions: 4 });
    await expectRefusal(() => bench.open(), "tenant-offline");
    const tenant = bench.tenantComes();
    bench.tenantComes("bolt");
    await expectRefusal(() => bench.open("acme", "olga", "ssh"), "target-not-found");
    bench.open("acme", "olga");
    bench.open("acme", "olga");
    await expectRefusal(() => bench.open("bolt", "olga"), "limit-exceeded");
    bench.open("acme", "otto");
    await expectRefusal(() => bench.open("acme", "oda"), "limit-exceeded");
    bench.open("bolt", "oda");
    await expectRefusal(() => bench.open("bolt", "ole"), "limit-exceeded");
    expect(tenant.offers).to.have.length(3);
    bench.broker.list()[0]?.end({ code: "closed", message: "done" });
    bench.open("bolt", "ole");
  });

  it("requires a reason where the provider does", async () => {
    const bench = new BrokerBench({ reasonRequired: true });
    bench.tenantComes();
    const purpose = { tenant: "acme", target: "rdp", reason: " ", ticket: "" };
    const request = { purpose, maxDurationMs: undefined };
    await expectRefusal(
      () => bench.broker.open(operator(), request, new FakeRemotePort(), () => true),
      "invalid-argument",
    );
  });

  it("gives a session the shorter of the provider's time and the operator's", () => {
    for (const [provider, asked] of [
      [5_000, 9_000],
      [9_000, 5_000],
      [undefined, 5_000],
      [5_000, undefined],
    ]) {
      const bench = new BrokerBench({ timeLimits: { longestMs: provider, idleMs: undefined } });
      bench.tenantComes();
      const purpose = { tenant: "acme", target: "rdp", reason: "", ticket: "" };
      const remote = new FakeRemotePort();
      const session = bench.broker.open(operator(), { purpose, maxDurationMs: asked }, remote, () => true);
      session.decide({ decision: "accepted", decidedBy: "policy" });
      bench.clock.advance(4_999);
      expect(session.state.name).to.equal("open");
      bench.clock.advance(1);
      expect(remote.ends[0]?.reason.code).to.equal("expired");
    }
  });

  it("ends offers that a lost tenant did not answer, and leaves its open sessions", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const open = bench.accepted();
    const pending = bench.open();
    bench.tenantGoes();
    expect(pending.remote.ends[0]?.reason.code).to.equal("tenant-offline");
    expect(open.remote.ends).to.have.length(0);
    expect(bench.broker.openSessionsOf("acme")).to.equal(1);
  });

  it("goes on with the sessions that a returning tenant still holds, and ends the others", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const kept = bench.accepted();
    const lost = bench.accepted();
    bench.tenantGoes();
    const tenant = bench.tenantComes("acme", [kept.session.id]);
    expect(lost.remote.ends[0]?.reason.code).to.equal("tenant-lost");
    expect(kept.remote.ends).to.have.length(0);
    kept.session.requestLink(1);
    expect(tenant.links).to.have.length(1);
  });

  it("tells which held sessions it does not know, those of other tenants among them", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    bench.tenantComes("bolt");
    const { session } = bench.accepted();
    expect(bench.broker.tenantReturned("bolt", [session.id, "s-none"])).to.deep.equal([session.id, "s-none"]);
    expect(session.state.name).to.equal("open");
  });

  it("ends all sessions", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const remotes = [bench.accepted().remote, bench.open().remote];
    bench.broker.endAll({ code: "shutting-down", message: "bye" });
    expect(remotes.map(({ ends }) => ends[0]?.reason.code)).to.deep.equal(["shutting-down", "shutting-down"]);
    expect(bench.broker.list()).to.deep.equal([]);
    expect(bench.clock.pending).to.equal(0);
  });

  it("tells the registry's watchers when the number of open sessions changes", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const seen: number[] = [];
    bench.registry.subscribe((name) => seen.push(bench.broker.openSessionsOf(name)));
    const { session } = bench.accepted();
    expect(seen.at(-1)).to.equal(1);
    session.end({ code: "closed", message: "done" });
    expect(seen.at(-1)).to.equal(0);
  });
});

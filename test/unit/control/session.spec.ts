import { DrawbridgeError } from "@drawbridge/dataplane";
import { expect } from "chai";
import { BrokerBench } from "./broker-bench.ts";
import { FakeRemotePort, operator, settle } from "./fake-ports.ts";

const closed = { code: "closed", message: "done" } as const;

describe("session", () => {
  it("is offered to the tenant with all that it needs to decide", () => {
    const bench = new BrokerBench();
    const tenant = bench.tenantComes();
    const { session } = bench.open();
    expect(tenant.offers).to.have.length(1);
    expect(tenant.offers[0]).to.deep.include({
      sessionId: session.id,
      target: "rdp",
      reason: "to mend it",
      ticket: "T-1",
      answerWithinMs: 60_000,
    });
    expect(tenant.offers[0]?.operator.name).to.equal("olga");
    expect(session.state.name).to.equal("pending");
  });

  it("passes a question for plain links and the tenant's permit on, untouched, and says so", () => {
    const bench = new BrokerBench();
    const port = bench.tenantComes();
    const remote = new FakeRemotePort();
    const purpose = { tenant: "acme", target: "rdp", reason: "", ticket: "" };
    const plainNonce = new Uint8Array(32).fill(5);
    const request = { purpose, maxDurationMs: undefined, plainNonce };
    const session = bench.broker.open(operator(), request, remote, () => true);
    expect(port.offers[0]?.plainNonce).to.equal(plainNonce);
    const plainPermit = { publicKey: new Uint8Array([1]), signature: new Uint8Array([2]) };
    session.decide({ decision: "accepted", decidedBy: "policy", plainPermit });
    expect(remote.permits).to.deep.equal([plainPermit]);
    expect(session.state).to.include({ name: "open", plain: true });
    expect(bench.accepted().session.state).to.include({ name: "open", plain: false });
  });

  it("opens when the tenant accepts, and only once", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.accepted();
    session.decide({ decision: "accepted", decidedBy: "policy" });
    session.decide({ decision: "refused", reason: closed });
    expect(session.state.name).to.equal("open");
    expect(remote.openings).to.deep.equal([session.id]);
    expect(bench.clock.pending).to.equal(0);
  });

  it("ends with the tenant's reason when the tenant refuses", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.open();
    const reason = { code: "consent-refused", message: "not now", remedy: "Ask tomorrow." } as const;
    session.decide({ decision: "refused", reason });
    session.decide({ decision: "accepted", decidedBy: "policy" });
    expect(remote.ends).to.deep.equal([{ reason, bytes: { toTenant: 0, toRemote: 0 } }]);
    expect(remote.openings).to.deep.equal([]);
    expect(bench.broker.get(session.id)).to.equal(undefined);
  });

  it("lapses when the tenant redirector does not answer in time, and withdraws the offer", () => {
    const bench = new BrokerBench();
    const tenant = bench.tenantComes();
    const { session, remote } = bench.open();
    bench.clock.advance(9_999);
    expect(remote.ends).to.have.length(0);
    bench.clock.advance(1);
    expect(remote.ends[0]?.reason.code).to.equal("handshake-timeout");
    expect(tenant.closedSessions).to.deep.equal([session.id]);
    expect(bench.clock.pending).to.equal(0);
  });

  it("waits for a person as long as the tenant says, but no longer than the limit", () => {
    for (const [asked, granted] of [
      [20_000, 20_000],
      [600_000, 60_000],
      [-1, 0],
    ] as const) {
      const bench = new BrokerBench();
      bench.tenantComes();
      const { session, remote } = bench.open();
      session.decide({ decision: "pending", withinMs: asked });
      expect(remote.pendings).to.deep.equal([granted]);
      if (granted > 0) bench.clock.advance(granted - 1);
      expect(remote.ends).to.have.length(0);
      bench.clock.advance(1);
      expect(remote.ends[0]?.reason.code).to.equal("consent-expired");
    }
  });

  it("does not wait for ever on a tenant that goes on asking for time", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.open();
    for (let elapsed = 0; elapsed < 60_000; elapsed += 1_000) {
      session.decide({ decision: "pending", withinMs: 60_000 });
      bench.clock.advance(1_000);
    }
    expect(remote.ends[0]?.reason.code).to.equal("consent-expired");
  });

  it("opens when the person accepts in time", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.open();
    session.decide({ decision: "pending", withinMs: 20_000 });
    bench.clock.advance(19_999);
    session.decide({ decision: "accepted", decidedBy: "the receptionist" });
    bench.clock.advance(3_600_000);
    expect(session.state).to.include({ name: "open", decidedBy: "the receptionist" });
    expect(remote.ends).to.have.length(0);
  });

  it("keeps only the first reason for its end", () => {
    const bench = new BrokerBench();
    const tenant = bench.tenantComes();
    const { session, remote } = bench.accepted();
    session.end({ code: "closed", message: "first" });
    session.end({ code: "revoked", message: "second" });
    expect(remote.ends.map(({ reason }) => reason.message)).to.deep.equal(["first"]);
    expect(tenant.closedSessions).to.deep.equal([session.id]);
    expect(bench.eventsOf(session.id)).to.deep.equal(["started", "opened", "ended"]);
  });
});

describe("session's links", () => {
  it("have a ticket for the remote redirector and an offer for the tenant, with different tokens", () => {
    const bench = new BrokerBench();
    const tenant = bench.tenantComes();
    const { session, remote } = bench.accepted();
    session.requestLink(7);
    const [ticket, offer] = [remote.tickets[0], tenant.links[0]];
    expect(ticket?.requestId).to.equal(7);
    expect(offer?.sessionId).to.equal(session.id);
    expect(ticket?.ticket.linkId).to.equal(offer?.ticket.linkId);
    expect(ticket?.ticket.token.digest()).not.to.equal(offer?.ticket.token.digest());
    expect(session.openLinks).to.equal(1);
  });

  it("are refused before the session is open, after its end, and while the tenant is offline", () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.open();
    session.requestLink(1);
    session.decide({ decision: "accepted", decidedBy: "policy" });
    bench.tenantGoes();
    session.requestLink(2);
    session.end(closed);
    session.requestLink(3);
    const codes = remote.refusals.map(({ requestId, reason }) => [requestId, reason.code]);
    expect(codes).to.deep.equal([
      [1, "protocol-violation"],
      [2, "tenant-offline"],
      [3, "protocol-violation"],
    ]);
    expect(bench.links.all).to.have.length(0);
  });

  it("are refused above the limit, and allowed again when one is over", async () => {
    const bench = new BrokerBench({ maxLinksPerSession: 2 });
    bench.tenantComes();
    const { session, remote } = bench.accepted();
    for (const id of [1, 2, 3]) session.requestLink(id);
    expect(remote.refusals).to.have.length(1);
    expect(remote.refusals[0]).to.have.nested.property("reason.code", "limit-exceeded");
    bench.links.all[0]?.close(closed);
    await settle();
    session.requestLink(4);
    expect(remote.tickets.map(({ requestId }) => requestId)).to.deep.equal([1, 2, 4]);
  });

  it("are refused with the rendezvous' reason when it has no place", () => {
    const bench = new BrokerBench();
    const tenant = bench.tenantComes();
    const { session, remote } = bench.accepted();
    bench.links.failure = new DrawbridgeError("limit-exceeded", "the rendezvous is full");
    session.requestLink(1);
    expect(remote.refusals[0]?.reason).to.deep.equal({ code: "limit-exceeded", message: "the rendezvous is full" });
    expect(tenant.links).to.have.length(0);
  });

  it("are closed when the tenant could not make its leg, and the bytes that went through still count", async () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.accepted();
    session.requestLink(9);
    const [place] = bench.links.all;
    place?.carry(100, 20);
    session.linkRefused(place?.linkId ?? "", { code: "target-unreachable", message: "no" });
    session.linkRefused(place?.linkId ?? "", { code: "target-unreachable", message: "again" });
    await settle();
    expect(remote.refusals.map(({ requestId }) => requestId)).to.deep.equal([9]);
    expect(remote.linkEnds).to.have.length(0);
    expect(place?.closeReason?.code).to.equal("target-unreachable");
    expect(session.openLinks).to.equal(0);
    expect(session.bytes()).to.deep.equal({ toTenant: 100, toRemote: 20 });
  });

  it("tell their end with their bytes, and count towards the session's", async () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session, remote } = bench.accepted();
    session.requestLink(1);
    session.requestLink(2);
    bench.links.all[0]?.carry(10, 1);
    bench.links.all[1]?.carry(5, 7);
    bench.links.all[0]?.close(closed);
    await settle();
    expect(remote.linkEnds).to.deep.equal([
      { linkId: bench.links.all[0]?.linkId, reason: closed, bytes: { toTenant: 10, toRemote: 1 } },
    ]);
    expect(session.bytes()).to.deep.equal({ toTenant: 15, toRemote: 8 });
    session.end(closed);
    await settle();
    expect(bench.links.open).to.have.length(0);
    expect(remote.ends[0]?.bytes).to.deep.equal({ toTenant: 15, toRemote: 8 });
    expect(session.bytes()).to.deep.equal({ toTenant: 15, toRemote: 8 });
    expect(remote.linkEnds).to.have.length(1);
  });
});

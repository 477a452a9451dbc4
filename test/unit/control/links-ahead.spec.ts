import { expect } from "chai";
import { BrokerBench } from "./broker-bench.ts";

/** A session whose operator wants, and whose tenant agrees to, so many links ahead. */
function opened(wanted: number, agreed: number, plain = false) {
  const bench = new BrokerBench();
  const tenant = bench.tenantComes();
  const { session, remote } = bench.open("acme", "olga", "rdp", wanted);
  const plainPermit = plain ? { publicKey: new Uint8Array(), signature: new Uint8Array() } : undefined;
  session.decide({ decision: "accepted", decidedBy: "policy", linksAhead: agreed, plainPermit });
  return { bench, tenant, session, remote };
}

describe("links ahead of a session", () => {
  for (const [wanted, agreed, made] of [
    [2, 3, 2],
    [3, 2, 2],
    [0, 4, 0],
    [4, 0, 0],
    [1_000, 1_000, 4],
  ] as const) {
    it(`are ${made} where the operator wants ${wanted} and the tenant agrees to ${agreed}`, () => {
      const { tenant, session, remote } = opened(wanted, agreed);
      expect(remote.tickets.map(({ requestId }) => requestId)).to.deep.equal(Array<number>(made).fill(0));
      expect(tenant.links).to.have.length(made);
      expect(session.openLinks).to.equal(0);
    });
  }

  it("are not made in a session whose links go plain", () => {
    expect(opened(1, 1, true).remote.tickets).to.have.length(0);
  });

  it("are replaced one by one once they are used, and never more than agreed", () => {
    const { bench, session, remote } = opened(1, 1);
    session.requestLink(1, { ahead: true });
    expect(remote.refusals.map(({ requestId, reason }) => [requestId, reason.code])).to.deep.equal([
      [1, "limit-exceeded"],
    ]);
    bench.links.all[0]?.carry(1, 0);
    expect(session.openLinks).to.equal(1);
    session.requestLink(2, { ahead: true });
    expect(remote.tickets.map(({ requestId }) => requestId)).to.deep.equal([0, 2]);
  });
});

import { HandshakeToken, PairingTable, type PairingLimits } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";

const makeReservation = (linkId: string, tenant = "acme", expiresAt = 100) => ({
  linkId,
  tenant,
  remoteToken: HandshakeToken.generate(),
  tenantToken: HandshakeToken.generate(),
  expiresAt,
});
const here = { address: "192.0.2.1" };

describe("pairing table", () => {
  it("holds the first leg and pairs it with the second, whichever comes first", () => {
    for (const first of ["remote", "tenant"] as const) {
      const table = new PairingTable<string>();
      const link = makeReservation("l1");
      table.reserve(link);
      const [a, b] = first === "remote" ? [link.remoteToken, link.tenantToken] : [link.tenantToken, link.remoteToken];
      expect(table.arrive(a, "first", here, 0)).to.include({ outcome: "held", side: first });
      const paired = table.arrive(b, "second", here, 0);
      const legs = first === "remote" ? { remote: "first", tenant: "second" } : { remote: "second", tenant: "first" };
      expect(paired).to.deep.equal({ outcome: "paired", reservation: link, ...legs });
      expect(table.size).to.equal(0);
      expect(table.waiting).to.equal(0);
    }
  });

  it("refuses a token that was never given out", () => {
    const arrival = new PairingTable<string>().arrive(HandshakeToken.generate(), "leg", here, 0);
    expect(arrival).to.have.nested.property("reason.code", "token-invalid");
  });

  it("refuses a token the second time, while the first leg waits and after the pairing", () => {
    const table = new PairingTable<string>();
    const link = makeReservation("l1");
    table.reserve(link);
    table.arrive(link.remoteToken, "first", here, 0);
    expect(table.arrive(link.remoteToken, "again", here, 0)).to.have.nested.property("reason.code", "token-invalid");
    table.arrive(link.tenantToken, "second", here, 0);
    for (const token of [link.remoteToken, link.tenantToken]) {
      expect(table.arrive(token, "late", here, 0)).to.have.nested.property("reason.code", "token-invalid");
    }
  });

  it("refuses a token from its expiry on, swept or not", () => {
    const table = new PairingTable<string>();
    const link = makeReservation("l1", "acme", 100);
    table.reserve(link);
    expect(table.arrive(link.remoteToken, "leg", here, 99).outcome).to.equal("held");
    expect(table.arrive(link.tenantToken, "leg", here, 100).outcome).to.equal("refused");
    expect(table.expire(99)).to.deep.equal([]);
    expect(table.expire(100)).to.deep.equal([{ reservation: link, held: { side: "remote", leg: "leg" } }]);
    expect(table.nextExpiry()).to.equal(undefined);
    expect(table.waiting).to.equal(0);
  });

  it("returns the held leg of a cancelled link, once", () => {
    const table = new PairingTable<string>();
    const link = makeReservation("l1");
    table.reserve(link);
    table.arrive(link.tenantToken, "leg", here, 0);
    expect(table.cancel("l1")).to.deep.equal({ reservation: link, held: { side: "tenant", leg: "leg" } });
    expect(table.cancel("l1")).to.equal(undefined);
    expect(table.arrive(link.remoteToken, "late", here, 0).outcome).to.equal("refused");
  });

  it("refuses to reserve a link or a token twice", () => {
    const table = new PairingTable<string>();
    const link = makeReservation("l1");
    table.reserve(link);
    expect(() => table.reserve(link)).to.throw(/reserved already/);
    expect(() => table.reserve({ ...makeReservation("l2"), remoteToken: link.tenantToken })).to.throw(
      /reserved already/,
    );
    const token = HandshakeToken.generate();
    expect(() => table.reserve({ ...makeReservation("l3"), remoteToken: token, tenantToken: token })).to.throw();
    expect(table.size).to.equal(1);
  });

  const caps: { cap: keyof PairingLimits; legs: { tenant: string; address: string }[] }[] = [
    { cap: "waitingPerTenant", legs: [1, 2, 3].map((n) => ({ tenant: "acme", address: `192.0.2.${n}` })) },
    { cap: "waitingPerAddress", legs: [1, 2, 3].map((n) => ({ tenant: `tenant${n}`, address: "192.0.2.1" })) },
    { cap: "waitingInAll", legs: [1, 2, 3].map((n) => ({ tenant: `tenant${n}`, address: `192.0.2.${n}` })) },
  ];
  for (const { cap, legs } of caps) {
    it(`refuses to hold a leg over ${cap}, without spending its token, and makes room when one goes`, () => {
      const table = new PairingTable<string>({ [cap]: 2 });
      const links = legs.map(({ tenant }, index) => makeReservation(`l${index}`, tenant));
      const arrive = (index: number) => {
        return table.arrive(links[index]!.remoteToken, "leg", { address: legs[index]!.address }, 0);
      };
      for (const link of links) table.reserve(link);
      expect([0, 1].map((index) => arrive(index).outcome)).to.deep.equal(["held", "held"]);
      expect(arrive(2)).to.have.nested.property("reason.code", "limit-exceeded");
      // At the cap a leg that pairs is welcome: it makes the number of waiting legs smaller.
      expect(table.arrive(links[0]!.tenantToken, "leg", { address: legs[2]!.address }, 0).outcome).to.equal("paired");
      expect(arrive(2).outcome).to.equal("held");
    });
  }

  /** What may happen to a table: small numbers, so that the same links, sides and times meet often. */
  const step = fc.oneof(
    fc.record({ kind: fc.constant("reserve" as const), link: fc.nat(5), tenant: fc.nat(2), life: fc.nat(10) }),
    fc.record({
      kind: fc.constant("arrive" as const),
      link: fc.nat(5),
      side: fc.constantFrom("remote" as const, "tenant" as const),
      address: fc.nat(2),
    }),
    fc.record({ kind: fc.constant("cancel" as const), link: fc.nat(5) }),
    fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(5) }),
  );

  it("PEERS security 5: never pairs what does not belong together, loses no leg and keeps every cap, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const limits = { waitingPerTenant: 2, waitingPerAddress: 2, waitingInAll: 3 };
        const table = new PairingTable<{ linkId: string; side: string; tenant: string; address: string }>(limits);
        const links: ReturnType<typeof makeReservation>[] = [];
        const waiting = new Set<{ tenant: string; address: string }>();
        const spent = new Set<string>();
        let now = 0;
        let serial = 0;
        for (const action of steps) {
          const link = links[action.kind === "advance" ? 0 : action.link % Math.max(1, links.length)];
          if (action.kind === "reserve") {
            const made = makeReservation(`l${serial++}`, `t${action.tenant}`, now + action.life);
            table.reserve(made);
            links.push(made);
          } else if (action.kind === "advance") {
            now += action.ms;
            for (const { reservation, held } of table.expire(now)) {
              expect(reservation.expiresAt).to.be.at.most(now);
              if (held !== undefined) expect(waiting.delete(held.leg)).to.equal(true);
            }
          } else if (link === undefined) continue;
          else if (action.kind === "cancel") {
            const held = table.cancel(link.linkId)?.held;
            if (held !== undefined) expect(waiting.delete(held.leg)).to.equal(true);
          } else {
            const token = action.side === "remote" ? link.remoteToken : link.tenantToken;
            const leg = { linkId: link.linkId, side: action.side, tenant: link.tenant, address: `a${action.address}` };
            const arrival = table.arrive(token, leg, { address: leg.address }, now);
            if (arrival.outcome === "refused") continue;
            expect(now).to.be.below(link.expiresAt);
            expect(spent.has(token.digest()), "a token works once").to.equal(false);
            spent.add(token.digest());
            if (arrival.outcome === "held") waiting.add(leg);
            else {
              const { remote, tenant, reservation } = arrival;
              expect([remote.side, tenant.side]).to.deep.equal(["remote", "tenant"]);
              expect([remote.linkId, tenant.linkId]).to.deep.equal([reservation.linkId, reservation.linkId]);
              expect(waiting.delete(remote === leg ? tenant : remote)).to.equal(true);
            }
          }
          expect(table.waiting).to.equal(waiting.size);
          expect(waiting.size).to.be.at.most(limits.waitingInAll);
          for (const key of ["tenant", "address"] as const) {
            const most = Math.max(
              0,
              ...Object.values(Object.groupBy(waiting, (leg) => leg[key])).map((legs) => legs!.length),
            );
            expect(most).to.be.at.most(2);
          }
        }
        const left = links.flatMap(({ linkId }) => table.cancel(linkId)?.held?.leg ?? []);
        expect(left).to.have.members([...waiting]);
        expect(table.size).to.equal(0);
        expect(table.waiting).to.equal(0);
      }),
    );
  });
});

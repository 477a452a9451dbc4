import { expect } from "chai";
import fc from "fast-check";

import type { ConsentOutcome } from "../../../packages/control/src/tenant/consent/consent-requests.ts";
import { ConsentRequests } from "../../../packages/control/src/tenant/consent/consent-requests.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { offer } from "./offer.ts";

function bench(limits: { maxPending?: number; maxPendingPerOperator?: number } = {}) {
  const clock = new FakeClock();
  const seen: number[] = [];
  const requests: ConsentRequests = new ConsentRequests({
    clock,
    onChange: () => seen.push(requests.list().length),
    ...limits,
  });
  const outcomes = new Map<string, ConsentOutcome[]>();
  const ask = (id: string, withinMs = 60_000, operator = "alice"): void => {
    const own: ConsentOutcome[] = [];
    outcomes.set(id, own);
    requests.ask(offer(id, { operator }), withinMs, (outcome) => own.push(outcome));
  };
  return { clock, seen, requests, outcomes, ask };
}

describe("consent requests", () => {
  it("tell how long each still stands, and lapse", () => {
    const { clock, requests, outcomes, ask } = bench();
    ask("s-1", 60_000);
    clock.advance(45_000);
    expect(requests.list()[0]).to.include({ leftMs: 15_000 });
    clock.advance(15_000);
    expect(outcomes.get("s-1")).to.have.length(1);
    expect(outcomes.get("s-1")?.[0]).to.have.nested.property("reason.code", "consent-expired");
    expect(requests.list()).to.be.empty;
  });

  it("refuse an answer to what does not stand (any more)", () => {
    const { requests, ask } = bench();
    ask("s-1");
    requests.approve("s-1", "maria");
    for (const answer of [() => requests.approve("s-1", "maria"), () => requests.refuse("s-2", "maria", "")]) {
      expect(answer).to.throw().with.property("code", "session-not-found");
    }
  });

  it("are bounded, in all and for each operator", () => {
    const { requests, ask } = bench({ maxPending: 3, maxPendingPerOperator: 2 });
    ask("s-1");
    ask("s-2");
    expect(() => ask("s-3"))
      .to.throw("of alice")
      .with.property("code", "limit-exceeded");
    ask("s-4", 60_000, "bob");
    expect(() => ask("s-5", 60_000, "carol"))
      .to.throw()
      .with.property("code", "limit-exceeded");
    expect(requests.list()).to.have.length(3);
  });

  it("tell each change, once it has happened", () => {
    const { clock, seen, requests, ask } = bench();
    ask("s-1", 1_000);
    ask("s-2");
    ask("s-3");
    clock.advance(1_000);
    requests.withdraw("s-2");
    requests.refuse("s-3", "maria", "");
    expect(seen).to.deep.equal([1, 2, 3, 2, 1, 0]);
  });

  it("are each decided once or withdrawn, and leave no timer", () => {
    const step = fc.record({
      id: fc.constantFrom("s-1", "s-2", "s-3"),
      what: fc.constantFrom("approve" as const, "refuse" as const, "withdraw" as const, "wait" as const),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { clock, requests, outcomes, ask } = bench();
        for (const id of ["s-1", "s-2", "s-3"]) ask(id, 10_000);
        const withdrawn = new Set<string>();
        for (const { id, what } of steps) {
          const stands = requests.has(id);
          if (what === "wait") clock.advance(4_000);
          else if (what === "withdraw" && requests.withdraw(id) !== undefined) withdrawn.add(id);
          else if (stands && what === "approve") requests.approve(id, "maria");
          else if (stands && what === "refuse") requests.refuse(id, "maria", "no");
        }
        clock.advance(10_000);
        for (const [id, own] of outcomes) expect(own).to.have.length(withdrawn.has(id) ? 0 : 1);
        expect([clock.pending, requests.list().length]).to.deep.equal([0, 0]);
      }),
    );
  });
});

import { expect } from "chai";
import fc from "fast-check";
import type { Session } from "../../../packages/control/src/cloud/session.ts";
import { BrokerBench } from "./broker-bench.ts";
import { settle, type FakeRemotePort } from "./fake-ports.ts";

const closed = { code: "closed", message: "done" } as const;

/** What may happen; the numbers choose among the sessions and links that there are. */
const happening = fc.oneof(
  fc.constantFrom({ do: "open" }, { do: "tenant-goes" }, { do: "tenant-forgets" }, { do: "settle" }),
  fc.record({ do: fc.constantFrom("accept", "ask", "refuse", "request-link", "end"), session: fc.nat(9) }),
  fc.record({ do: fc.constantFrom("close-link", "refuse-link"), link: fc.nat(19) }),
  fc.record({ do: fc.constant("carry"), link: fc.nat(19), toTenant: fc.nat(1000), toRemote: fc.nat(1000) }),
  fc.record({ do: fc.constant("advance"), ms: fc.nat(30_000) }),
);
type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

class Run {
  readonly bench = new BrokerBench({ maxSessionsPerOperator: 6, maxLinksPerSession: 3 });
  readonly opened: { session: Session; remote: FakeRemotePort }[] = [];

  constructor() {
    this.bench.tenantComes();
  }

  async step(event: Happening): Promise<void> {
    if ("session" in event) {
      this.#toSession(event.do, this.opened[event.session % (this.opened.length || 1)]?.session);
      return;
    }
    if ("link" in event) {
      this.#toLink(event);
      return;
    }
    if ("ms" in event) {
      this.bench.clock.advance(event.ms);
      return;
    }
    switch (event.do) {
      case "open": {
        this.#open();
        return;
      }
      case "tenant-goes": {
        this.bench.tenantGoes();
        return;
      }
      case "tenant-forgets":
        return void this.bench.tenantComes(
          "acme",
          this.bench.broker
            .list()
            .slice(1)
            .map(({ id }) => id),
        );
      default:
        return settle();
    }
  }

  #open(): void {
    try {
      this.opened.push(this.bench.open());
    } catch {
      // offline or above a limit: nothing has begun
    }
  }

  #toSession(what: string, session: Session | undefined): void {
    if (what === "accept") session?.decide({ decision: "accepted", decidedBy: "policy" });
    if (what === "ask") session?.decide({ decision: "pending", withinMs: 20_000 });
    if (what === "refuse") session?.decide({ decision: "refused", reason: closed });
    if (what === "request-link") session?.requestLink(1);
    if (what === "end") session?.end(closed);
  }

  #toLink(event: Extract<Happening, { link: number }>): void {
    const places = this.bench.links.all;
    const place = places[event.link % (places.length || 1)];
    if (place === undefined) return;
    if ("toTenant" in event) place.carry(event.toTenant, event.toRemote);
    else if (event.do === "close-link") place.close(closed);
    else for (const { session } of this.opened) session.linkRefused(place.linkId, closed);
  }
}

describe("sessions, whatever happens in whatever order", () => {
  it("end exactly once, leave no link behind, and their bytes add up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 10, maxLength: 80 }), async (events) => {
        const run = new Run();
        const { bench } = run;
        for (const event of events) await run.step(event);
        bench.broker.endAll({ code: "shutting-down", message: "bye" });
        await settle();
        expect(bench.broker.list()).to.deep.equal([]);
        expect(bench.links.open).to.deep.equal([]);
        expect(bench.clock.pending).to.equal(0);
        const total = { toTenant: 0, toRemote: 0 };
        for (const { session, remote } of run.opened) {
          expect(remote.ends).to.have.length(1);
          expect(bench.eventsOf(session.id).filter((event) => event === "ended")).to.have.length(1);
          expect(session.openLinks).to.equal(0);
          expect(remote.ends[0]?.bytes).to.deep.equal(session.bytes());
          total.toTenant += session.bytes().toTenant;
          total.toRemote += session.bytes().toRemote;
        }
        const carried = bench.links.all.reduce((sum, { bytes }) => sum + bytes.toTenant, 0);
        const returned = bench.links.all.reduce((sum, { bytes }) => sum + bytes.toRemote, 0);
        expect(total).to.deep.equal({ toTenant: carried, toRemote: returned });
      }),
      { numRuns: 500 },
    );
  });

  it("never give a link that is open to a session that is over", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 60 }), async (events) => {
        const run = new Run();
        for (const event of events) {
          await run.step(event);
          await settle();
          const living = new Set(run.bench.broker.list());
          const links = [...living].reduce((sum, { openLinks }) => sum + openLinks, 0);
          expect(run.bench.links.open).to.have.length(links);
        }
        run.bench.broker.endAll(closed);
      }),
      { numRuns: 200 },
    );
  });
});

import type { CloseReason } from "@drawbridge/dataplane";
import type { Span, SpanAttributes, SpanOptions, Tracer } from "@drawbridge/control/watching";
import { expect } from "chai";
import type { Metrics } from "../../../packages/control/src/cloud/metrics/metrics-port.ts";
import { NO_METRICS } from "../../../packages/control/src/cloud/metrics/metrics-port.ts";
import { SessionMeter } from "../../../packages/control/src/cloud/session-meter.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { BrokerBench } from "./broker-bench.ts";
import { settle } from "./fake-ports.ts";

const PARENT = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const closed = { code: "closed", message: "done" } as const;

/** A tracer that writes down, in order, what begins and ends. */
class NotingTracer implements Tracer {
  readonly notes: string[] = [];
  #spans = 0;

  begin(name: string, { parent }: SpanOptions = {}): Span {
    const number = (this.#spans += 1);
    let isOver = false;
    this.notes.push(`${name} begins${parent === undefined || parent === "" ? "" : " in another"}`);
    return {
      traceparent: `span ${number} ${name}`,
      begin: (inner, options) => this.begin(inner, options),
      step: (step) => void this.notes.push(step),
      end: (reason?: CloseReason, attributes: SpanAttributes = {}) => {
        if (isOver) return;
        isOver = true;
        const bytes = attributes["drawbridge.bytes_to_tenant"];
        this.notes.push([name, "ends", reason?.code, bytes].filter((part) => part !== undefined).join(" "));
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe("what a session tells of itself", () => {
  it("is each link's request, pairing and end, and the ends come before the session's", async () => {
    const bench = new BrokerBench();
    bench.tenantComes();
    const { session } = bench.accepted();
    session.requestLink(1);
    session.requestLink(2);
    bench.links.all[0]?.pair();
    await settle();
    bench.links.all[0]?.carry(10, 20);
    expect(session.openLinks).to.equal(2);
    session.end(closed);
    await settle();
    const [first, second] = bench.links.all.map(({ linkId }) => linkId);
    expect(bench.linkNews.map(({ what, linkId }) => [what, linkId])).to.deep.equal([
      ["requested", first],
      ["requested", second],
      ["paired", first],
      ["ended", first],
      ["ended", second],
    ]);
    expect(bench.linkNews[3]).to.deep.include({ reason: closed, bytes: { toTenant: 10, toRemote: 20 } });
    expect(session.bytes()).to.deep.equal({ toTenant: 10, toRemote: 20 });
  });

  it("is a link's refusal, without an id where there never was a link", () => {
    const bench = new BrokerBench({ maxLinksPerSession: 1 });
    bench.tenantComes();
    const { session } = bench.accepted();
    session.requestLink(1);
    session.requestLink(2);
    const linkId = bench.links.all[0]?.linkId ?? "";
    session.linkRefused(linkId, { code: "target-unreachable", message: "nobody there" });
    const refused = bench.linkNews.flatMap((news) => (news.what === "refused" ? [news] : []));
    expect(refused.map((news) => [news.linkId, news.reason.code, news.reason.limit])).to.deep.equal([
      ["", "limit-exceeded", "linksPerSession"],
      [linkId, "target-unreachable", undefined],
    ]);
  });

  it("is a trace that goes on at the tenant, with the operator's place in it as its parent", async () => {
    const tracer = new NotingTracer();
    const bench = new BrokerBench({ tracer });
    const tenant = bench.tenantComes();
    const { session } = bench.open();
    expect(tenant.offers[0]?.traceparent).to.equal("span 1 session");
    session.decide({ decision: "accepted", decidedBy: "policy" });
    session.requestLink(1, { traceparent: PARENT });
    bench.links.all[0]?.carry(5, 6);
    bench.links.all[0]?.pair();
    await settle();
    session.end(closed);
    expect(tracer.notes).to.deep.equal([
      "session begins",
      "consent begins",
      "consent ends",
      "link begins in another",
      "wait for the first leg",
      "wait for the second leg",
      "link ends closed 5",
      "session ends closed 5",
    ]);
  });

  it("is counted: opened after so long, refused or ended for a reason", () => {
    const clock = new FakeClock();
    const told: unknown[] = [];
    const note =
      (name: keyof Metrics) =>
      (...what: readonly unknown[]): void =>
        void told.push([name, ...what]);
    const metrics = {
      ...NO_METRICS,
      sessionOpened: note("sessionOpened"),
      sessionRefused: note("sessionRefused"),
      sessionEnded: note("sessionEnded"),
    };
    const bench = new BrokerBench();
    bench.tenantComes();
    const meter = new SessionMeter(metrics, clock);
    const { session } = bench.open();
    meter.started(session);
    clock.advance(250);
    meter.opened(session);
    meter.ended(session, closed);
    const { session: second } = bench.open();
    meter.started(second);
    meter.ended(second, closed);
    expect(told).to.deep.equal([
      ["sessionOpened", 250],
      ["sessionEnded", closed],
      ["sessionRefused", closed],
    ]);
  });
});

import { expect } from "chai";
import { formatTraceparent, newPlace, NO_TRACER, parseTraceparent } from "@drawbridge/control/watching";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a traceparent", () => {
  it("is read and written as W3C Trace Context has it", () => {
    const text = `00-${TRACE}-${SPAN}-01`;
    const place = { traceId: TRACE, spanId: SPAN, isSampled: true };
    expect(parseTraceparent(text)).to.deep.equal(place);
    expect(formatTraceparent(place)).to.equal(text);
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)).to.include({ isSampled: false });
  });

  for (const [what, text] of [
    ["nothing", ""],
    ["another text", "hello"],
    ["an all-zero trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["an all-zero span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["the version that is forbidden", `ff-${TRACE}-${SPAN}-01`],
    ["capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["something after it", `00-${TRACE}-${SPAN}-01\r\nx: y`],
    ["too few digits", `00-${TRACE.slice(1)}-${SPAN}-01`],
  ] as const) {
    it(`is ignored where it is ${what}`, () => expect(parseTraceparent(text)).to.equal(undefined));
  }

  it("stays in its trace, and recorded or not, from place to place", () => {
    const first = newPlace(undefined);
    expect(first.isSampled).to.equal(true);
    const second = newPlace({ ...first, isSampled: false });
    expect(second).to.include({ traceId: first.traceId, isSampled: false });
    expect(second.spanId).not.to.equal(first.spanId);
  });

  it("is passed on by who does not trace, and only if it is one", () => {
    const text = `00-${TRACE}-${SPAN}-01`;
    const session = NO_TRACER.begin("session", { parent: text });
    expect(session.traceparent).to.equal(text);
    expect(session.begin("consent").traceparent).to.equal(text);
    const other = `00-${TRACE}-${SPAN.split("").reverse().join("")}-01`;
    expect(session.begin("link", { parent: other }).traceparent).to.equal(other);
    expect(session.begin("link", { parent: "x" }).traceparent).to.equal(text);
    expect(NO_TRACER.begin("session", { parent: "x" }).traceparent).to.equal("");
  });
});

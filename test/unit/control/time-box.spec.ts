import type { CloseReason } from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";
import { TimeBox, type TimeLimits } from "../../../packages/control/src/cloud/time-box.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("time box", () => {
  let clock: FakeClock;
  let bytes: number;
  const ends: { at: number; reason: CloseReason }[] = [];

  const box = (limits: TimeLimits): TimeBox =>
    new TimeBox(
      clock,
      limits,
      () => bytes,
      (reason) => ends.push({ at: clock.now(), reason }),
    );

  beforeEach(() => {
    clock = new FakeClock();
    bytes = 0;
    ends.length = 0;
  });

  it("sets no timer without limits", () => {
    box({ longestMs: undefined, idleMs: undefined });
    expect(clock.pending).to.equal(0);
  });

  it("ends a session when its time is up, however busy it is", () => {
    box({ longestMs: 60_000, idleMs: 10_000 });
    for (let second = 0; second < 61; second += 1) {
      bytes += 1;
      clock.advance(1_000);
    }
    expect(ends[0]?.reason.code).to.equal("expired");
    expect(ends[0]?.at).to.equal(60_000);
    expect(clock.pending).to.equal(0);
  });

  it("outlasts a limit that no single timer can hold", () => {
    const fiftyDays = 50 * 24 * 3_600_000;
    box({ longestMs: fiftyDays, idleMs: undefined });
    clock.advance(fiftyDays - 1);
    expect(ends).to.deep.equal([]);
    clock.advance(1);
    expect(ends[0]?.reason.code).to.equal("expired");
  });

  it("ends an idle session within a tenth more than the limit after its last byte", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 600_000 }),
        fc.array(fc.nat(120_000), { maxLength: 8 }),
        (idleMs, gaps) => {
          clock = new FakeClock();
          ends.length = 0;
          bytes = 0;
          box({ longestMs: undefined, idleMs });
          let lastByteAt = 0;
          for (const gap of gaps) {
            clock.advance(gap);
            if (ends.length > 0) break;
            bytes += 1;
            lastByteAt = clock.now();
          }
          clock.advance(2 * idleMs + 1_000);
          const step = Math.max(100, idleMs / 10);
          expect(ends[0]?.reason.code).to.equal("idle");
          expect(ends[0]?.at).to.be.within(lastByteAt + idleMs, lastByteAt + idleMs + 2 * step);
        },
      ),
    );
  });

  it("is quiet once cancelled", () => {
    const cancelled = box({ longestMs: 1_000, idleMs: 500 });
    cancelled.cancel();
    cancelled.cancel();
    clock.advance(10_000);
    expect(ends).to.deep.equal([]);
    expect(clock.pending).to.equal(0);
  });
});

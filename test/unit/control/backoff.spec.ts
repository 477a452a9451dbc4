import { Backoff } from "@drawbridge/control/rpc";
import { expect } from "chai";
import fc from "fast-check";

const longest = (options = {}): Backoff => new Backoff({ random: () => 1, ...options });

describe("backoff", () => {
  it("doubles its bound from half a second to twenty-five seconds", () => {
    const backoff = longest();
    const waits = Array.from({ length: 9 }, () => backoff.next(0));
    expect(waits).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 16_000, 25_000, 25_000, 25_000]);
  });

  it("starts small again only after a connection that held for a minute", () => {
    const backoff = longest();
    for (let attempt = 0; attempt < 5; attempt += 1) backoff.next(0);
    expect(backoff.next(59_999)).to.equal(16_000);
    expect(backoff.next(60_000)).to.equal(500);
  });

  it("keeps its bound when the next attempt goes elsewhere, soon", () => {
    const backoff = longest();
    for (let attempt = 0; attempt < 3; attempt += 1) backoff.next(0);
    expect(backoff.soon(0)).to.equal(500);
    expect(backoff.next(0)).to.equal(4_000);
    expect(backoff.soon(60_000)).to.equal(500);
    expect(backoff.next(0)).to.equal(500);
  });

  it("draws each wait from zero up to the bound, whatever happened before", () => {
    const attempt = fc.record({ held: fc.nat(200_000), drawn: fc.double({ min: 0, max: 0.999_999, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 100 }), (attempts) => {
        let random = 0;
        const backoff = new Backoff({ random: () => random });
        let failures = 0;
        for (const { held, drawn } of attempts) {
          random = drawn;
          if (held >= 60_000) failures = 0;
          const bound = Math.min(25_000, 500 * 2 ** failures);
          expect(backoff.next(held))
            .to.be.within(0, bound)
            .and.equal(drawn * bound);
          failures += 1;
        }
      }),
    );
  });

  it("stays at its bound however often it is asked", () => {
    const backoff = longest();
    for (let attempt = 0; attempt < 5_000; attempt += 1) backoff.next(0);
    expect(backoff.next(0)).to.equal(25_000);
  });
});

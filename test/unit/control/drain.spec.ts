import { expect } from "chai";
import fc from "fast-check";
import { reconnectAfterMs } from "../../../packages/control/src/cloud/drain.ts";

describe("when a tenant is to come back after a drain", () => {
  it("is after a restart, within a window that grows with the number of tenants", () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (tenants, drawn) => {
        const windowMs = Math.min(300_000, Math.max(1_000, tenants * 5));
        expect(reconnectAfterMs(tenants, () => drawn)).to.be.within(1_000, 1_000 + windowMs);
      }),
    );
  });

  it("spreads ten thousand tenants to about two hundred a second", () => {
    const seconds = Array.from({ length: 10_000 }, () => Math.floor(reconnectAfterMs(10_000) / 1_000));
    const bySecond = [...Map.groupBy(seconds, (second) => second).values()];
    const busiest = Math.max(...bySecond.map(({ length }) => length));
    expect(busiest).to.be.lessThan(300);
  });
});

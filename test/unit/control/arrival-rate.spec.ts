import { ArrivalRate } from "../../../packages/control/src/cloud/arrival-rate.ts";
import { expect } from "chai";
import { FakeClock } from "../../support/fake-clock.ts";

describe("arrival rate", () => {
  it("tells how many came in each second in which it was at least five", () => {
    const clock = new FakeClock();
    const told: number[] = [];
    const rate = new ArrivalRate(clock, (perSecond) => told.push(perSecond));
    for (let count = 0; count < 7; count += 1) rate.add();
    clock.advance(1_000);
    for (let count = 0; count < 4; count += 1) rate.add();
    clock.advance(1_000);
    expect(told).to.deep.equal([7]);
    expect(clock.pending).to.equal(0);
  });

  it("leaves no timer behind", () => {
    const clock = new FakeClock();
    const rate = new ArrivalRate(clock, () => {});
    rate.add();
    rate.stop();
    expect(clock.pending).to.equal(0);
  });
});

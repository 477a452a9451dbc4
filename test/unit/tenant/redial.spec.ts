import { Backoff } from "@drawbridge/control/rpc";
import { Gateways, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { redialAfterMs } from "../../../packages/control/src/tenant/redial.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const longest = (): Backoff => new Backoff({ random: () => 1 });
const gateways = (...addresses: string[]): Gateways => new Gateways(addresses, new Reach(), { clock: new FakeClock() });

describe("the wait before the next attempt", () => {
  it("is half a second at most while a gateway is left that has not failed, then grows", () => {
    const [list, backoff] = [gateways("a:1", "b:1", "c:1"), longest()];
    const waits = ["a:1", "b:1", "c:1", "a:1", "b:1"].map((place) => redialAfterMs({ place }, 0, list, backoff));
    expect(waits).to.deep.equal([500, 500, 500, 1_000, 2_000]);
  });

  it("grows at once where there is one gateway", () => {
    const [list, backoff] = [gateways("a:1"), longest()];
    const waits = [1, 2, 3].map(() => redialAfterMs({ place: "a:1" }, 0, list, backoff));
    expect(waits).to.deep.equal([500, 1_000, 2_000]);
  });

  it("is what the cloud redirector said before it stopped, within bounds; and its gateway has not failed", () => {
    const [list, backoff] = [gateways("a:1", "b:1"), longest()];
    expect(redialAfterMs({ place: "a:1", reconnectAfterMs: 42_000 }, 0, list, backoff)).to.equal(42_000);
    expect(redialAfterMs({ place: "a:1", reconnectAfterMs: 1e12 }, 0, list, backoff)).to.equal(600_000);
    expect(redialAfterMs({ place: "a:1", reconnectAfterMs: -5 }, 0, list, backoff)).to.equal(0);
    expect(list.hasOtherThan("b:1")).to.equal(true);
  });

  it("is short after a sleep, for which the gateway is not to blame", () => {
    const list = gateways("a:1", "b:1");
    expect(redialAfterMs({ place: "a:1", slept: true }, 0, list, longest())).to.equal(500);
    expect(list.hasOtherThan("b:1")).to.equal(true);
  });
});

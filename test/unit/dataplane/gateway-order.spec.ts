import { expect } from "chai";
import fc from "fast-check";
import { orderPlaces } from "../../../packages/dataplane/src/gateway-order.ts";

const place = fc.record({ address: fc.string(), priority: fc.nat(3), weight: fc.nat(100) });
const places = fc.uniqueArray(place, { selector: ({ address }) => address, maxLength: 12 });
const random = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

describe("the order of gateways", () => {
  it("holds each place once, and no place before one of a lower priority", () => {
    fc.assert(
      fc.property(places, random, (list, numbers) => {
        const order = orderPlaces(list, () => Number(numbers.next().value));
        expect(order.toSorted()).to.deep.equal(list.map(({ address }) => address).sort());
        const priorityOf = new Map(list.map(({ address, priority }) => [address, priority]));
        const priorities = order.map((address) => priorityOf.get(address) ?? NaN);
        expect(priorities).to.deep.equal(priorities.toSorted((a, b) => a - b));
      }),
    );
  });

  /** How often each address comes first in ten thousand draws. */
  function firsts(weights: Record<string, number>): Record<string, number> {
    const list = Object.entries(weights).map(([address, weight]) => ({ address, priority: 0, weight }));
    const counts = Object.fromEntries(list.map(({ address }) => [address, 0]));
    for (let drawn = 0; drawn < 10_000; drawn += 1) {
      const first = orderPlaces(list, Math.random)[0] ?? "";
      counts[first] = (counts[first] ?? 0) + 1;
    }
    return counts;
  }

  it("draws among equal priorities in proportion to the weights", () => {
    const { a = 0, b = 0 } = firsts({ a: 300, b: 100 });
    expect(a / b).to.be.within(2.5, 3.6);
  });

  it("draws evenly where no place has a weight", () => {
    const { a = 0, b = 0, c = 0 } = firsts({ a: 0, b: 0, c: 0 });
    for (const count of [a, b, c]) expect(count).to.be.within(3_000, 3_700);
  });

  it("draws a place without weight hardly ever, but does draw it", () => {
    const { idle = 0 } = firsts({ idle: 0, busy: 99 });
    expect(idle).to.be.within(10, 300);
  });
});

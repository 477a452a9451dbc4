import { expect } from "chai";
import fc from "fast-check";
import { ConnectionCaps } from "../../../packages/control/src/cloud/connection-caps.ts";
import { RateLimit } from "../../../packages/control/src/cloud/rate-limit.ts";

describe("connection caps", () => {
  it("never lets more in than the caps, and always lets in what they leave", () => {
    const step = fc.oneof(fc.record({ enter: fc.nat(3) }), fc.record({ leave: fc.nat(20) }));
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 100 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 8 }),
        (steps, perKey, inAll) => {
          const caps = new ConnectionCaps({ perKey, inAll });
          const inside: { key: string; leave: () => void }[] = [];
          for (const each of steps) {
            if ("enter" in each) {
              const key = String(each.enter);
              const ofKey = inside.filter((one) => one.key === key).length;
              const leave = caps.enter(key);
              expect(leave !== undefined).to.equal(ofKey < perKey && inside.length < inAll);
              if (leave !== undefined) inside.push({ key, leave });
            } else {
              const [one] = inside.splice(each.leave % Math.max(inside.length, 1), 1);
              one?.leave();
              one?.leave();
            }
          }
        },
      ),
    );
  });
});

describe("connection caps that evict", () => {
  it("let the oldest go for a newer one, but never more of one key than its cap", () => {
    const caps = new ConnectionCaps({ perKey: 2, inAll: 3 });
    const gone: string[] = [];
    const enter = (key: string, name: string) => caps.enter(key, () => gone.push(name));
    const [first, second] = [enter("a", "a1"), enter("a", "a2")];
    expect(enter("a", "a3")).to.equal(undefined);
    enter("b", "b1");
    expect(gone).to.deep.equal([]);
    expect(enter("c", "c1")).not.to.equal(undefined);
    expect(gone).to.deep.equal(["a1"]);
    first?.();
    second?.();
    enter("d", "d1");
    expect(gone).to.deep.equal(["a1"]);
    enter("e", "e1");
    expect(gone).to.deep.equal(["a1", "b1"]);
  });
});

describe("rate limit", () => {
  it("lets a minute's worth through at once, then as many as the time allows", () => {
    const rate = new RateLimit({ perKey: 10, inAll: 100 });
    const take = (now: number): number => Array.from({ length: 50 }, () => rate.take("a", now)).filter(Boolean).length;
    expect(take(0)).to.equal(10);
    expect(take(5_999)).to.equal(0);
    expect(take(6_001)).to.equal(1);
    expect(take(1_000_000)).to.equal(10);
  });

  it("keeps one address from using up what others need, and all of them together in bounds", () => {
    const rate = new RateLimit({ perKey: 2, inAll: 5 });
    const letThrough = ["a", "a", "a", "b", "b", "b", "c", "c", "c"].map((key) => rate.take(key, 0));
    expect(letThrough).to.deep.equal([true, true, false, true, true, false, true, false, false]);
  });

  it("holds a bounded number of addresses, and counts those beyond as one", () => {
    const rate = new RateLimit({ perKey: 1, inAll: 1_000_000 });
    let through = 0;
    for (let index = 0; index < 30_000; index += 1) if (rate.take(`address ${index}`, 0)) through += 1;
    expect(through).to.be.at.most(10_001);
    expect(rate.take("address 40000", 120_000)).to.equal(true);
  });
});

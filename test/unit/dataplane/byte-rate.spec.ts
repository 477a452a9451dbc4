import { expect } from "chai";
import fc from "fast-check";
import { ByteRate } from "../../../packages/dataplane/src/byte-rate.ts";
import { LinkRates } from "../../../packages/dataplane/src/link-rates.ts";
import { combineTolls, type Toll } from "../../../packages/dataplane/src/toll.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const RATE = 100_000;
/** A quarter of a second. */
const BURST = 25_000;

/** A flow that always has bytes: it reads a quantum whenever it may, as fast as it may. */
class GreedyFlow {
  bytes = 0;
  readonly #toll: Toll;

  constructor(toll: Toll) {
    this.#toll = toll;
    this.#read();
  }

  #read(): void {
    do this.bytes += this.#toll.quantumBytes;
    while (this.#toll.take(this.#toll.quantumBytes));
    this.#toll.wait(() => this.#read());
  }
}

describe("a cap in bytes per second", () => {
  let clock: FakeClock;
  let rate: ByteRate;

  beforeEach(() => {
    clock = new FakeClock();
    rate = new ByteRate(RATE, clock);
  });

  it("lets a burst through at once, and then its rate", () => {
    const flow = new GreedyFlow(rate);
    expect(flow.bytes).to.be.within(BURST, BURST + rate.quantumBytes);
    clock.advance(60_000);
    expect(flow.bytes).to.be.within(BURST + 60 * RATE - 2 * rate.quantumBytes, BURST + 60 * RATE + rate.quantumBytes);
  });

  it("saves no more than a burst for later", () => {
    rate.take(BURST);
    clock.advance(3_600_000);
    expect(rate.isFull).to.equal(true);
    expect(rate.take(BURST - 1)).to.equal(true);
    expect(rate.take(1)).to.equal(false);
  });

  it("is shared evenly by flows that never stop, and kept however many they are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 20_000, max: 50_000_000 }), (count, perSecond) => {
        const ownClock = new FakeClock();
        const shared = new ByteRate(perSecond, ownClock);
        const flows = Array.from({ length: count }, () => new GreedyFlow(shared));
        const sum = (): number => flows.reduce((total, { bytes }) => total + bytes, 0);
        const start = sum();
        // Each flow reads once before it can be told to wait.
        expect(start).to.be.at.most(perSecond / 4 + (count + 2) * shared.quantumBytes);
        ownClock.advance(20_000);
        const inAll = perSecond / 4 + 20 * perSecond;
        expect(sum()).to.be.at.most(inAll + (count + 1) * shared.quantumBytes);
        expect(sum()).to.be.above(inAll * 0.95 - shared.quantumBytes);
        const turns = flows.slice(1).map(({ bytes }) => bytes / shared.quantumBytes);
        if (count > 2) expect(Math.max(...turns) - Math.min(...turns)).to.be.at.most(2.1);
      }),
      { numRuns: 30 },
    );
  });

  it("serves first who waited first", () => {
    rate.take(BURST);
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) rate.wait(() => void (served.push(name), rate.take(rate.quantumBytes)));
    clock.advance(21);
    expect(served).to.deep.equal(["a"]);
    clock.advance(60);
    expect(served).to.deep.equal(["a", "b", "c"]);
  });

  it("forgets who gave the wait up, and keeps no timer for nobody", () => {
    rate.take(BURST);
    let served = 0;
    const giveUp = rate.wait(() => (served += 1));
    expect(clock.pending).to.equal(1);
    giveUp();
    giveUp();
    expect(clock.pending).to.equal(0);
    clock.advance(10_000);
    expect(served).to.equal(0);
  });
});

describe("several caps at once", () => {
  it("hold a flow to the narrowest, and leave to others what it does not take", () => {
    const clock = new FakeClock();
    const inAll = new ByteRate(10 * RATE, clock);
    const capped = new GreedyFlow(combineTolls([new ByteRate(RATE, clock), inAll]) as Toll);
    const other = new GreedyFlow(inAll);
    clock.advance(60_000);
    expect(capped.bytes).to.be.within(50 * RATE, 62 * RATE);
    expect(other.bytes).to.be.within(520 * RATE, 560 * RATE);
  });

  it("call a flow back later, never at once", () => {
    const clock = new FakeClock();
    const toll = combineTolls([new ByteRate(RATE, clock), new ByteRate(RATE, clock)]) as Toll;
    let called = false;
    toll.wait(() => (called = true));
    expect(called).to.equal(false);
    clock.advance(100);
    expect(called).to.equal(true);
  });

  it("can be given up at whichever the flow waits", () => {
    const clock = new FakeClock();
    const [first, second] = [new ByteRate(RATE, clock), new ByteRate(RATE / 10, clock)];
    const toll = combineTolls([first, second]) as Toll;
    toll.take(BURST);
    const giveUp = toll.wait(() => expect.fail("it was given up"));
    clock.advance(30);
    giveUp();
    clock.advance(60_000);
    expect(clock.pending).to.equal(0);
  });
});

describe("the caps of links", () => {
  const limits = { perSession: RATE, perTenant: 3 * RATE };

  it("are none where none is set", () => {
    const rates = new LinkRates({}, new FakeClock());
    expect(rates.acquire({ session: "s", tenant: "acme" }).toll).to.equal(undefined);
  });

  it("are shared by the links of a session and of a tenant, and by no others", () => {
    const clock = new FakeClock();
    const rates = new LinkRates(limits, clock);
    const flow = (session: string, tenant: string) => new GreedyFlow(rates.acquire({ session, tenant }).toll as Toll);
    const sameSession = [flow("s1", "acme"), flow("s1", "acme")];
    const [others] = [[flow("s2", "acme"), flow("s3", "acme"), flow("s4", "acme")]];
    const otherTenant = flow("s5", "bolt");
    clock.advance(60_000);
    const sum = (flows: GreedyFlow[]): number => flows.reduce((total, { bytes }) => total + bytes, 0) / RATE;
    expect(sum(sameSession)).to.be.within(35, 62);
    expect(sum([...sameSession, ...others])).to.be.within(170, 185);
    expect(sum([otherTenant])).to.be.within(57, 62);
  });

  it("are not fresh for who comes again at once", () => {
    const clock = new FakeClock();
    const rates = new LinkRates(limits, clock);
    const link = { session: "s", tenant: "acme" };
    const first = rates.acquire(link);
    first.toll?.take(10 * BURST);
    first.release();
    const second = rates.acquire(link);
    expect(second.toll?.take(0)).to.equal(false);
    second.release();
    clock.advance(60_000);
    expect(rates.acquire(link).toll?.take(0)).to.equal(true);
  });
});

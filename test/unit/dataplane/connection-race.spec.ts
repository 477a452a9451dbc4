import { expect } from "chai";
import fc from "fast-check";
import { ATTEMPT_DELAY_MS, ConnectionRace } from "../../../packages/dataplane/src/connection-race.ts";
import { interleaveAddresses } from "../../../packages/dataplane/src/interleave-addresses.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Attempts that a test settles one by one. */
class Attempts {
  readonly clock = new FakeClock();
  readonly started: string[] = [];
  readonly abandoned: string[] = [];
  readonly #attempts = new Map<string, PromiseWithResolvers<string>>();

  race(addresses: readonly string[]): ConnectionRace<string> {
    return new ConnectionRace(
      addresses,
      (address) => {
        this.started.push(address);
        const attempt = Promise.withResolvers<string>();
        this.#attempts.set(address, attempt);
        return { connected: attempt.promise, abandon: () => this.abandoned.push(address) };
      },
      this.clock,
    );
  }

  connect(address: string): void {
    this.#attempts.get(address)?.resolve(address);
  }

  async fail(address: string, code = "ECONNREFUSED"): Promise<void> {
    this.#attempts.get(address)?.reject(Object.assign(new Error(`${code} ${address}`), { code }));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("connection race (RFC 8305)", () => {
  it("starts an attempt each 250 ms and keeps the earlier ones alive", async () => {
    const attempts = new Attempts();
    const race = attempts.race(["a", "b", "c"]);
    expect(attempts.started).to.deep.equal(["a"]);
    attempts.clock.advance(ATTEMPT_DELAY_MS - 1);
    expect(attempts.started).to.deep.equal(["a"]);
    attempts.clock.advance(1);
    expect(attempts.started).to.deep.equal(["a", "b"]);
    attempts.clock.advance(10_000);
    expect(attempts.started).to.deep.equal(["a", "b", "c"]);
    expect(attempts.abandoned).to.deep.equal([]);
    attempts.connect("a");
    expect(await race.winner).to.equal("a");
    expect(attempts.abandoned.sort()).to.deep.equal(["b", "c"]);
    expect(attempts.clock.pending).to.equal(0);
  });

  it("starts the next at once when one fails", async () => {
    const attempts = new Attempts();
    const race = attempts.race(["a", "b"]);
    await attempts.fail("a");
    expect(attempts.started).to.deep.equal(["a", "b"]);
    attempts.connect("b");
    expect(await race.winner).to.equal("b");
  });

  it("fails with what an address answered rather than with this machine's own lack of a way", async () => {
    const attempts = new Attempts();
    const { winner } = attempts.race(["a", "b", "c"]);
    const failed = winner.catch((error: unknown) => error as Error);
    await attempts.fail("a", "ENETUNREACH");
    await attempts.fail("b", "ECONNREFUSED");
    await attempts.fail("c", "ENETUNREACH");
    expect(await failed).to.have.property("message", "ECONNREFUSED b");
    expect(attempts.clock.pending).to.equal(0);
  });

  it("abandons all of them, once each, when it is given up", () => {
    const attempts = new Attempts();
    const race = attempts.race(["a", "b", "c"]);
    attempts.clock.advance(ATTEMPT_DELAY_MS);
    race.abandon();
    race.abandon();
    attempts.clock.advance(10_000);
    expect(attempts.started).to.deep.equal(["a", "b"]);
    expect(attempts.abandoned).to.deep.equal(["a", "b"]);
  });
});

describe("the order of a name's addresses", () => {
  it("lets the families take turns, the one that the system sorted first being first", () => {
    expect(interleaveAddresses(["::1", "::2", "::3", "10.0.0.1"])).to.deep.equal(["::1", "10.0.0.1", "::2", "::3"]);
    expect(interleaveAddresses(["10.0.0.1", "10.0.0.2", "::1"])).to.deep.equal(["10.0.0.1", "::1", "10.0.0.2"]);
    expect(interleaveAddresses([])).to.deep.equal([]);
  });

  it("loses and adds none, and keeps the order within a family", () => {
    const addresses = fc.array(fc.oneof(fc.ipV4(), fc.ipV6()));
    fc.assert(
      fc.property(addresses, (list) => {
        const order = interleaveAddresses(list);
        for (const isOne of [(a: string) => a.includes(":"), (a: string) => !a.includes(":")]) {
          expect(order.filter(isOne)).to.deep.equal(list.filter(isOne));
        }
      }),
    );
  });
});

import { expect } from "chai";
import fc from "fast-check";
import { GatewayDrains, moveAfterMs } from "../../../packages/control/src/cloud/gateway-drains.ts";
import { TenantRegistry } from "../../../packages/control/src/cloud/tenant-registry.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeTenantPort } from "./fake-ports.ts";

const TEN_MINUTES_MS = 600_000;
const FACTS = { software: "", hostName: "", platform: "", sourceAddress: "", targets: [] };

class Bench {
  readonly clock = new FakeClock();
  readonly registry = new TenantRegistry();
  readonly news: string[] = [];
  readonly drains = new GatewayDrains({
    registry: this.registry,
    clock: this.clock,
    onDrain: (gateway, tenants, withinMs) => this.news.push(`${gateway} ${tenants} ${withinMs}`),
  });
  #epoch = 0n;

  /** A tenant comes, through a gateway that names itself or through none. */
  comes(name: string, gateway?: string): FakeTenantPort {
    const port = new FakeTenantPort(gateway);
    this.registry.enrolled({ name, groups: [], keyFingerprint: "" });
    this.registry.online(name, (this.#epoch += 1n), port, FACTS, 0);
    return port;
  }
}

describe("a gateway that is about to stop", () => {
  it("has its own tenants asked to move, once, and nobody else's", () => {
    const bench = new Bench();
    const [own, other, direct] = [bench.comes("acme", "g1"), bench.comes("bolt", "g2"), bench.comes("cord")];
    for (let times = 0; times < 3; times += 1) bench.drains.begin("g1", TEN_MINUTES_MS);
    expect(own.moves).to.have.length(1);
    expect(own.moves[0]?.withinMs).to.equal(TEN_MINUTES_MS);
    expect(own.moves[0]?.moveAfterMs).to.be.within(0, 1_000);
    expect([...other.moves, ...direct.moves]).to.deep.equal([]);
    expect(bench.news).to.deep.equal([`g1 1 ${TEN_MINUTES_MS}`]);
    bench.drains.stop();
    expect(bench.clock.pending).to.equal(0);
  });

  it("has those asked too that come through it while it drains, with the time that is left; and is forgotten after", async () => {
    const bench = new Bench();
    bench.drains.begin("g1", TEN_MINUTES_MS);
    bench.clock.advance(1_000);
    const [late, again] = [bench.comes("acme", "g1"), bench.comes("bolt", "g2")];
    await Promise.resolve();
    expect(late.moves.map(({ withinMs }) => withinMs)).to.deep.equal([TEN_MINUTES_MS - 1_000]);
    expect(again.moves).to.deep.equal([]);
    bench.clock.advance(TEN_MINUTES_MS);
    expect(bench.clock.pending).to.equal(0);
    const reborn = bench.comes("cord", "g1");
    await Promise.resolve();
    expect(reborn.moves).to.deep.equal([]);
  });

  it("has the streams of those who only watch through it ended, and those that begin there meanwhile", () => {
    const bench = new Bench();
    const ended: string[] = [];
    const watch = (gateway: string | undefined, name: string) =>
      bench.drains.watch(gateway, ({ code }) => ended.push(`${name} ${code}`));
    watch("g1", "own");
    watch("g2", "other");
    watch(undefined, "direct");
    watch("g1", "over")();
    bench.drains.begin("g1", TEN_MINUTES_MS);
    watch("g1", "late");
    expect(ended).to.deep.equal(["own unavailable", "late unavailable"]);
    bench.drains.stop();
  });

  it("has its tenants spread over time, about two hundred a second, all of them before its end", () => {
    fc.assert(
      fc.property(
        fc.nat(200_000),
        fc.nat(TEN_MINUTES_MS),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (n, within, drawn) => {
          const afterMs = moveAfterMs(n, within, () => drawn);
          expect(afterMs).to.be.within(0, Math.min(within, Math.max(1_000, n * 5)));
        },
      ),
    );
    const seconds = Array.from({ length: 10_000 }, () => Math.floor(moveAfterMs(10_000, TEN_MINUTES_MS) / 1_000));
    const busiest = Math.max(...[...Map.groupBy(seconds, (second) => second).values()].map(({ length }) => length));
    expect(busiest).to.be.lessThan(300);
  });
});

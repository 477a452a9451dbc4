import { setImmediate as nextTurn } from "node:timers/promises";
import { Gateways, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import { GatewayMoves } from "../../../packages/control/src/tenant/gateway-moves.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const FIVE_MINUTES_MS = 300_000;

class Bench {
  readonly clock = new FakeClock();
  readonly gateways = new Gateways(["1 1 a:1", "2 1 b:1", "2 1 c:1"], new Reach(), { clock: this.clock });
  /** Where it was tried to move to, in order. */
  readonly tried: string[] = [];
  readonly up = new Set<string>(["a:1", "b:1", "c:1"]);
  isIdle = true;
  at: string;
  readonly moves: GatewayMoves;

  constructor(at: string) {
    this.at = at;
    this.moves = new GatewayMoves({
      gateways: this.gateways,
      clock: this.clock,
      at: () => this.at,
      moveTo: (place) => {
        this.tried.push(place);
        if (this.up.has(place)) this.at = place;
        else this.gateways.failed(place);
        return Promise.resolve(this.up.has(place));
      },
      isIdle: () => this.isIdle,
      preferAfterMs: FIVE_MINUTES_MS,
      random: () => 0,
    });
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await nextTurn();
  }
}

describe("moving to another gateway", () => {
  it("goes back to the one that the provider prefers, once that answers and nothing runs", async () => {
    const bench = new Bench("b:1");
    bench.up.delete("a:1");
    bench.moves.start();
    await bench.advance(FIVE_MINUTES_MS - 1);
    expect(bench.tried).to.deep.equal([]);
    await bench.advance(1);
    expect(bench.tried).to.deep.equal(["a:1"]);
    bench.up.add("a:1");
    bench.isIdle = false;
    await bench.advance(FIVE_MINUTES_MS);
    expect(bench.at).to.equal("b:1");
    bench.isIdle = true;
    await bench.advance(FIVE_MINUTES_MS);
    expect(bench.at).to.equal("a:1");
    await bench.advance(10 * FIVE_MINUTES_MS);
    expect(bench.tried).to.deep.equal(["a:1", "a:1"]);
    bench.moves.stop();
    expect(bench.clock.pending).to.equal(0);
  });

  it("stays where it is among equals, and leaves a place that is not in the list any more", async () => {
    const equal = new Bench("c:1");
    equal.gateways.failed("a:1");
    expect(await equal.gateways.preferredTo("c:1")).to.deep.equal([]);
    const stranger = new Bench("z:1");
    stranger.moves.start();
    await stranger.advance(FIVE_MINUTES_MS);
    expect(stranger.at).to.equal("a:1");
    stranger.moves.stop();
  });

  it("leaves a gateway that stops when it was told to, whatever runs, for one that answers", async () => {
    const bench = new Bench("a:1");
    bench.isIdle = false;
    bench.up.delete("b:1");
    bench.up.delete("c:1");
    bench.up.delete("a:1");
    bench.moves.start();
    bench.moves.leave(700);
    await bench.advance(699);
    expect(bench.tried).to.deep.equal([]);
    await bench.advance(1);
    // The one that stops comes last: another may be behind its address by now.
    expect(bench.tried.toSorted()).to.deep.equal(["a:1", "b:1", "c:1"]);
    expect(bench.tried[2]).to.equal("a:1");
    bench.up.add("c:1");
    await bench.advance(5_000);
    expect(bench.at).to.equal("c:1");
    bench.moves.stop();
    expect(bench.clock.pending).to.equal(0);
  });

  it("is not driven to and fro by a cloud redirector, and not put off for ever", async () => {
    const bench = new Bench("a:1");
    for (const [told, waits] of [
      [-1, 100],
      [1e12, 600_000],
    ] as const) {
      bench.tried.length = 0;
      bench.moves.leave(told);
      await bench.advance(waits - 1);
      expect(bench.tried).to.deep.equal([]);
      await bench.advance(1);
      expect(bench.tried).to.have.length(1);
    }
    bench.moves.stop();
  });

  it("renews its connection where it is, until that is done, and what was scheduled goes on", async () => {
    const bench = new Bench("b:1");
    bench.isIdle = false;
    bench.up.delete("b:1");
    bench.moves.leave(20_000);
    bench.moves.renew();
    expect(bench.moves.isMoving).to.equal(true);
    await nextTurn();
    expect(bench.tried).to.deep.equal(["b:1"]);
    bench.up.add("b:1");
    await bench.advance(5_000);
    expect(bench.tried).to.deep.equal(["b:1", "b:1"]);
    await bench.advance(14_999);
    expect(bench.tried).to.have.length(2);
    await bench.advance(1);
    expect(bench.at).to.equal("a:1");
    bench.up.clear();
    bench.moves.renew();
    await nextTurn();
    bench.moves.stop();
    bench.moves.renew();
    await bench.advance(10_000);
    expect(bench.tried).to.deep.equal(["b:1", "b:1", "a:1", "a:1"]);
    expect(bench.clock.pending).to.equal(0);
  });

  it("moves no more once it was stopped, also in the midst of it", async () => {
    const bench = new Bench("a:1");
    bench.up.clear();
    bench.moves.leave(0);
    bench.clock.advance(100);
    bench.moves.stop();
    await nextTurn();
    expect(bench.tried).to.deep.equal([]);
    expect(bench.clock.pending).to.equal(0);
    expect(bench.moves.isMoving).to.equal(false);
  });
});

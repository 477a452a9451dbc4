import { expect } from "chai";
import { SilenceWatch, type WatchedPeer } from "../../../packages/control/src/rpc/silence-watch.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const KEEP_ALIVE = { intervalMs: 11_000, timeoutMs: 5_000 };

/** A peer that answers pings, or does not, or cannot be pinged. */
class FakePeer implements WatchedPeer {
  bytes = 0;
  pings = 0;
  losses = 0;
  answer: "bytes" | "nothing" | "unsent" | "broken" = "bytes";

  bytesRead(): number {
    return this.bytes;
  }

  ping(): boolean {
    this.pings += 1;
    if (this.answer === "broken") throw new Error("the session is gone");
    if (this.answer === "bytes") this.bytes += 17;
    return this.answer !== "unsent";
  }

  lost(): void {
    this.losses += 1;
  }
}

describe("the watch over silent peers", () => {
  let clock: FakeClock;
  let watch: SilenceWatch;
  let peer: FakePeer;
  let end: () => void;
  beforeEach(() => {
    clock = new FakeClock();
    watch = new SilenceWatch(KEEP_ALIVE, clock);
    peer = new FakePeer();
    end = watch.add(peer);
  });

  it("never pings one that speaks of its own accord", () => {
    for (let second = 0; second < 120; second += 10) {
      clock.advance(10_000);
      peer.bytes += 17;
    }
    expect(peer).to.include({ pings: 0, losses: 0 });
  });

  it("pings one that is silent for the interval, and goes on when it answers", () => {
    clock.advance(10_900);
    expect(peer.pings).to.equal(0);
    clock.advance(2_200);
    expect(peer.pings).to.equal(1);
    clock.advance(120_000);
    expect(peer.pings).to.be.within(8, 11);
    expect(peer.losses).to.equal(0);
  });

  it("loses one that does not answer, once, within interval and time-out and two looks", () => {
    peer.answer = "nothing";
    clock.advance(15_900);
    expect(peer.losses).to.equal(0);
    clock.advance(2_200);
    expect(peer).to.include({ pings: 1, losses: 1 });
    clock.advance(60_000);
    expect(peer).to.include({ pings: 1, losses: 1 });
  });

  for (const answer of ["unsent", "broken"] as const) {
    it(`loses one whose ping is ${answer}`, () => {
      peer.answer = answer;
      clock.advance(12_100);
      expect(peer.losses).to.equal(1);
    });
  }

  it("takes any bytes for an answer", () => {
    peer.answer = "nothing";
    clock.advance(14_000);
    peer.bytes += 1;
    clock.advance(4_000);
    expect(peer.losses).to.equal(0);
  });

  it("leaves one alone that is over, and has no timer without anybody", () => {
    peer.answer = "nothing";
    end();
    end();
    expect(clock.pending).to.equal(0);
    clock.advance(60_000);
    expect(peer).to.include({ pings: 0, losses: 0 });
    watch.add(peer);
    clock.advance(60_000);
    expect(peer.losses).to.equal(1);
    expect(clock.pending).to.equal(0);
  });
});

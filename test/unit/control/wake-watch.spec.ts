import { WakeWatch } from "../../../packages/control/src/wire/wake-watch.ts";
import { expect } from "chai";
import { FakeClock } from "../../support/fake-clock.ts";

/** A clock whose date can jump, and whose timers can come late. */
class SleepyClock extends FakeClock {
  #sleptMs = 0;
  #lateMs = 0;

  override wallNow(): number {
    return super.wallNow() + this.#sleptMs;
  }

  override now(): number {
    return super.now() + this.#lateMs;
  }

  /** The clock of timers stands still, the date goes on. */
  sleep(ms: number): void {
    this.#sleptMs += ms;
  }

  /** Both go on, and no timer comes meanwhile. */
  standStill(ms: number): void {
    this.#lateMs += ms;
    this.#sleptMs += ms;
  }
}

describe("wake watch", () => {
  function watch() {
    const clock = new SleepyClock();
    const gaps: number[] = [];
    const watching = new WakeWatch(clock, (gapMs) => gaps.push(gapMs));
    watching.start();
    return { clock, gaps, watching };
  }

  it("says nothing while time goes on as it should", () => {
    const { clock, gaps } = watch();
    clock.advance(3_600_000);
    expect(gaps).to.deep.equal([]);
  });

  it("notices that the date went on while the timers' clock stood still", () => {
    const { clock, gaps } = watch();
    clock.advance(7_000);
    clock.sleep(3_600_000);
    clock.advance(5_000);
    expect(gaps).to.deep.equal([3_600_000]);
    clock.advance(60_000);
    expect(gaps).to.have.length(1);
  });

  it("notices that its own timer came much too late", () => {
    const { clock, gaps } = watch();
    clock.standStill(20_000);
    clock.advance(5_000);
    expect(gaps).to.deep.equal([20_000]);
  });

  it("takes no notice of a moment, nor of a date that was set back", () => {
    const { clock, gaps } = watch();
    clock.standStill(9_000);
    clock.advance(5_000);
    clock.sleep(-3_600_000);
    clock.advance(5_000);
    expect(gaps).to.deep.equal([]);
  });

  it("leaves no timer behind", () => {
    const { clock, watching } = watch();
    expect(clock.pending).to.equal(1);
    watching.stop();
    expect(clock.pending).to.equal(0);
  });
});

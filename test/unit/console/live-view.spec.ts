import { expect } from "chai";
import { LiveView } from "../../../packages/console-cli/src/rendering/live-view.ts";
import { FakeClock } from "../../support/fake-clock.ts";

describe("LiveView", () => {
  let clock: FakeClock;
  let written: string[];
  let height: number;
  let width: number;
  let lines: string[];
  let view: LiveView;

  beforeEach(() => {
    clock = new FakeClock();
    written = [];
    height = 24;
    width = 80;
    lines = ["a"];
    const screen = { text: (text: string) => void written.push(text), width, height };
    Object.defineProperties(screen, { height: { get: () => height }, width: { get: () => width } });
    view = new LiveView(screen, () => lines.join("\n"), clock);
  });

  it("goes back up by as many lines as it has drawn", () => {
    view.changed();
    clock.advance(0);
    lines = ["a", "b"];
    view.changed();
    clock.advance(200);
    lines = ["c"];
    view.changed();
    clock.advance(200);
    expect(written).to.deep.equal(["a", "\u001b[1A\r\u001b[Ja\nb", "\u001b[2A\r\u001b[Jc"]);
  });

  it("goes back over lines that a narrower terminal has wrapped", () => {
    lines = ["0123456789", "日本語"];
    view.changed();
    clock.advance(0);
    width = 4;
    lines = ["c"];
    view.changed();
    clock.advance(200);
    expect(written.at(-1)).to.equal("\u001b[5A\r\u001b[Jc");
  });

  it("draws many changes together, and nothing where nothing has changed", () => {
    for (let change = 0; change < 1_000; change += 1) {
      lines = [String(change)];
      view.changed();
      clock.advance(1);
    }
    expect(written.length).to.be.within(4, 7);
    clock.advance(10_000);
    const drawn = written.length;
    clock.advance(60_000);
    expect(written.length).to.equal(drawn);
  });

  it("draws again every second, for ages that grow", () => {
    view.changed();
    clock.advance(0);
    lines = ["older"];
    clock.advance(1_000);
    expect(written.at(-1)).to.contain("older");
  });

  it("leaves out what does not fit the terminal's height, and says how much", () => {
    height = 5;
    lines = ["1", "2", "3", "4", "5", "6"];
    view.changed();
    clock.advance(0);
    expect(written).to.deep.equal(["1\n2\n3\n… and 3 more"]);
  });

  it("draws the last state when it is closed, and leaves no timer", () => {
    view.changed();
    clock.advance(0);
    lines = ["last"];
    view.close();
    view.close();
    view.changed();
    expect(written.at(-1)).to.contain("last");
    expect(clock.pending).to.equal(0);
  });
});

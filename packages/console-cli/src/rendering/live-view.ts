import { type Clock, systemClock, type Timer } from "@drawbridge/dataplane";
import { displayRows } from "./display-width.ts";
import type { Output } from "./output.ts";

/** Changes that come faster are drawn together. */
const PAUSE_MS = 200;
/** Ages grow without any change. */
const REFRESH_MS = 1_000;

/** What a view draws on. */
type Screen = Pick<Output, "text" | "height" | "width">;

/**
 * Text at the bottom of a terminal that is drawn again in its place: at each change, and every second. What does not fit
 * the terminal's height is left out, and how much that is stands in the last line.
 */
export class LiveView {
  readonly #screen: Screen;
  readonly #render: () => string;
  readonly #clock: Clock;
  #shown = "";
  #timer: Timer | undefined;
  #drawnAt = -Infinity;
  #isClosed = false;

  /** @param render the text as it is now, no line wider than the terminal */
  constructor(screen: Screen, render: () => string, clock: Clock = systemClock) {
    this.#screen = screen;
    this.#render = render;
    this.#clock = clock;
  }

  /** Something has changed. */
  changed(): void {
    const waitMs = Math.max(0, this.#drawnAt + PAUSE_MS - this.#clock.now());
    this.#drawIn(waitMs);
  }

  /** Draws the last state, and no more. */
  close(): void {
    if (this.#isClosed) return;
    if (this.#drawnAt !== -Infinity) this.#draw();
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #drawIn(ms: number): void {
    this.#timer?.cancel();
    if (!this.#isClosed) this.#timer = this.#clock.setTimer(ms, () => this.#draw());
  }

  #draw(): void {
    this.#drawnAt = this.#clock.now();
    const lines = this.#fitting(this.#render().split("\n"));
    const text = lines.join("\n");
    if (text !== this.#shown) {
      const rows = this.#shownRows();
      const back = rows === 0 ? "" : `\u001b[${rows}A\r\u001b[J`;
      this.#screen.text(back + text);
      this.#shown = text;
    }
    this.#drawIn(REFRESH_MS);
  }

  /** Counted anew each time: the terminal may be narrower than it was. */
  #shownRows(): number {
    if (this.#shown === "") return 0;
    const columns = this.#screen.width ?? Infinity;
    return this.#shown.split("\n").reduce((rows, line) => rows + displayRows(line, columns), 0);
  }

  /** One line stays free for the cursor. */
  #fitting(lines: readonly string[]): readonly string[] {
    const most = Math.max(2, (this.#screen.height ?? 24) - 1);
    if (lines.length <= most) return lines;
    return [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`];
  }
}

import type { WriteStream } from "node:tty";

const LINE_INTERVAL_MS = 5_000;

/** What the demonstration shows: lines that stay, with the time since the start, and below them one line that changes. */
export class Screen {
  readonly #out: WriteStream;
  readonly #start = performance.now();
  #status = "";
  #lastStatusLine = -Infinity;

  constructor(out: WriteStream = process.stdout) {
    this.#out = out;
  }

  /** A line that stays. */
  line(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1_000).toFixed(2);
    this.#write(`[${seconds.padStart(6)} s] ${text}`);
  }

  /** One of the design's eight steps, as it happens. */
  step(number: number, text: string): void {
    this.line(`${number} ${text}`);
  }

  /** On a terminal one line that is written again and again; elsewhere a line every five seconds. */
  status(text: string): void {
    if (this.#out.isTTY) {
      // A terminal that does not know its width says 0.
      this.#status = text.slice(0, (this.#out.columns || 80) - 1);
      this.#out.write(`\r\x1b[K${this.#status}`);
      return;
    }
    const now = performance.now();
    if (now - this.#lastStatusLine < LINE_INTERVAL_MS) return;
    this.#lastStatusLine = now;
    this.line(text);
  }

  /** Leaves the changing line standing where it is. */
  endStatus(): void {
    if (this.#status !== "") this.#out.write("\n");
    this.#status = "";
  }

  #write(text: string): void {
    if (this.#status === "") this.#out.write(`${text}\n`);
    else this.#out.write(`\r\x1b[K${text}\n${this.#status}`);
  }
}

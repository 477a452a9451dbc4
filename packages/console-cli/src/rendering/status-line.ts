import { displayRows, truncate } from "./display-width.ts";
import { plainText } from "./terminal-text.ts";

/** The part of a stream that a status line needs. */
export interface StatusStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const ERASE_LINE = "\r\u001b[2K";
const eraseRows = (rows: number): string => `\r\u001b[${rows - 1}A\u001b[J`;

/** One line at the bottom of a terminal that is written again and again. Where the stream is no terminal: nothing. */
export class StatusLine {
  readonly #stream: StatusStream;
  #shown = "";

  constructor(stream: StatusStream) {
    this.#stream = stream;
  }

  /** Shows this text instead of the last; cut to the terminal's width, because a wrapped line cannot be erased. */
  update(text: string): void {
    if (this.#stream.isTTY !== true) return;
    // The last column stays free: some terminals wrap as soon as it is written.
    const line = truncate(plainText(text), this.#columns - 1);
    if (line === this.#shown) return;
    this.#stream.write(this.#erase() + line);
    this.#shown = line;
  }

  /** Takes the line away, so that other text may follow. Calling it twice is harmless. */
  clear(): void {
    if (this.#shown === "") return;
    this.#stream.write(this.#erase());
    this.#shown = "";
  }

  /** Writes something above the line and shows the line again. */
  around(write: () => void): void {
    const shown = this.#shown;
    this.clear();
    write();
    this.update(shown);
  }

  get #columns(): number {
    return this.#stream.columns ?? 80;
  }

  #erase(): string {
    const rows = displayRows(this.#shown, this.#columns);
    return rows === 1 ? ERASE_LINE : eraseRows(rows);
  }
}

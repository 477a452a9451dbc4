import { Writable } from "node:stream";

/** What a {@link FakeStream} pretends to be. */
export interface FakeStreamOptions {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Fails every write with EPIPE. */
  readonly broken?: boolean;
}

/** A stream that keeps what was written to it. */
export class FakeStream extends Writable {
  readonly isTTY: boolean;
  columns: number;
  written = "";
  readonly #broken: boolean;

  constructor(options: FakeStreamOptions = {}) {
    super({ autoDestroy: false });
    this.isTTY = options.isTTY ?? false;
    this.columns = options.columns ?? 80;
    this.#broken = options.broken ?? false;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error) => void): void {
    if (this.#broken) {
      callback(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      return;
    }
    this.written += chunk.toString();
    callback();
  }
}

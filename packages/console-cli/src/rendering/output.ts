import type { Writable } from "node:stream";
import { fromFileError } from "@drawbridge/control/identity";
import type { DrawbridgeError } from "@drawbridge/dataplane";
import { coloursFor } from "./colours.ts";
import type { Colours } from "./colours.ts";
import { StatusLine } from "./status-line.ts";
import { plainJson } from "./terminal-text.ts";

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** Where output goes and in which form. */
export interface OutputOptions {
  /** Whether `--json` was given: one JSON object a line on standard output. */
  readonly json: boolean;
  /** Default: the process's. */
  readonly stdout?: OutputStream;
  /** Default: the process's. */
  readonly stderr?: OutputStream;
  /** Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * What a command prints. Results go to standard output, as JSON lines or as text; everything that is said by the way
 * goes to standard error. A reader that goes away (`drawbridge tenants | head -1`) is no error: what follows is dropped
 * and {@link closed} aborts, so that a command that would print for ever can end.
 *
 * Text is printed as it is given; values from elsewhere go through `plain` or `renderTable` first.
 */
export class Output {
  readonly json: boolean;
  /** The colours for standard output. */
  readonly colours: Colours;
  /** The colours for standard error. */
  readonly errorColours: Colours;
  /** The status line, on standard error: on a terminal and without `--json` only. */
  readonly status: StatusLine;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #isDrawable: boolean;
  readonly #closed = new AbortController();
  #lost: DrawbridgeError | undefined;
  #stderrClosed = false;

  constructor(options: OutputOptions) {
    const env = options.env ?? process.env;
    this.json = options.json;
    this.#stdout = options.stdout ?? process.stdout;
    this.#stderr = options.stderr ?? process.stderr;
    this.colours = coloursFor(this.#stdout.isTTY === true, env);
    this.errorColours = coloursFor(this.#stderr.isTTY === true, env);
    // Such a terminal shows what steers others as rubbish (Emacs' shell, some build servers).
    const isDumb = env["TERM"] === "dumb";
    this.#isDrawable = this.#stdout.isTTY === true && !isDumb;
    const quiet = { isTTY: false, write: () => {} };
    this.status = new StatusLine(this.json || isDumb ? quiet : this.#stderr);
    // A stream that fails emits `error` after every failed write; without a listener the process would die of it.
    this.#stdout.on("error", this.#onStdoutError);
    this.#stderr.on("error", this.#onStderrError);
  }

  /** The terminal's width in columns; undefined where there is none that can be drawn on. Read it anew after a resize. */
  get width(): number | undefined {
    return this.#isDrawable ? (this.#stdout.columns ?? 80) : undefined;
  }

  /** The terminal's height in lines; undefined where there is none that can be drawn on. Read it anew after a resize. */
  get height(): number | undefined {
    return this.#isDrawable ? (this.#stdout.rows ?? 24) : undefined;
  }

  /** Aborts when nobody reads standard output any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Why results were lost, where standard output is a file and its disk is full. A reader that went away lost nothing. */
  get lost(): DrawbridgeError | undefined {
    return this.#lost;
  }

  /** One result: the record as a JSON line with `--json`, the text and a line's end without. */
  result(record: object, text: string): void {
    this.#print(this.json ? jsonLine(record) : `${text}\n`);
  }

  /** A JSON line with `--json`; nothing without. */
  record(record: object): void {
    if (this.json) this.#print(jsonLine(record));
  }

  /** Text for people on standard output; nothing with `--json`. */
  text(text: string): void {
    if (!this.json) this.#print(`${text}\n`);
  }

  /** Something said by the way, on standard error, with and without `--json`. */
  note(text: string): void {
    if (this.#stderrClosed) return;
    this.status.around(() => this.#stderr.write(`${text}\n`));
  }

  /** Waits until all that was printed has left the process, or cannot. */
  async flush(): Promise<void> {
    this.status.clear();
    await Promise.all([drained(this.#stdout), drained(this.#stderr)]);
    // A failed write tells its callback first and emits `error` a tick later, which our listeners must still hear.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets go of the streams, which stay open. To be called after {@link flush}: who is gone hears of no late failure. */
  [Symbol.dispose](): void {
    this.status.clear();
    this.#stdout.off("error", this.#onStdoutError);
    this.#stderr.off("error", this.#onStderrError);
  }

  #print(text: string): void {
    if (this.closed.aborted) return;
    this.status.around(() => this.#stdout.write(text));
  }

  // EPIPE is the usual one; a lost terminal (EIO) leaves as little to do.
  readonly #onStdoutError = (error: NodeJS.ErrnoException): void => {
    if (FULL.has(error.code ?? "")) this.#lost ??= fromFileError(error, "standard output");
    this.#closed.abort(error);
  };
  readonly #onStderrError = (): void => {
    this.#stderrClosed = true;
  };
}

const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/** A bigint is a number as long as a number can hold it, then a text. */
const jsonLine = (record: object): string =>
  `${plainJson(
    JSON.stringify(record, (_key, value: unknown) =>
      typeof value === "bigint" ? (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)) : value,
    ),
  )}\n`;

const drained = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded || stream.errored) resolve();
    else stream.write("", () => resolve());
  });

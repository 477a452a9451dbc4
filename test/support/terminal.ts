import { type ChildProcess, spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { AssertionError } from "chai";

/** How a command runs on a terminal. */
export interface TerminalOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The terminal's width in columns. Default 100. */
  readonly columns?: number;
}

const DEADLINE_MS = 30_000;

/** Quotes a word for sh. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** A command on a real pseudo-terminal, which util-linux' `script` makes. Dies with its end or the test's. */
export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #written = "";
  #change = Promise.withResolvers<void>();

  constructor(words: readonly string[], { env, columns = 100 }: TerminalOptions) {
    const command = `stty cols ${columns} rows 30; exec ${words.map(quoted).join(" ")}`;
    this.#child = spawn("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], {
      env: { ...process.env, TERM: "xterm", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#written += chunk.toString();
      this.#wake();
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", (code) => {
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Everything that was written to the terminal, with the codes that steer it. */
  get raw(): string {
    return this.#written;
  }

  /** The same without those codes. */
  get text(): string {
    return stripVTControlCharacters(this.#written);
  }

  /** Types; `\r` is Enter, `\u0003` Ctrl-C. */
  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Resolves once the text holds this. */
  shows(pattern: RegExp): Promise<void> {
    return this.#until(pattern, () => this.text);
  }

  /** Resolves once what was written, codes included, holds this. */
  draws(pattern: RegExp): Promise<void> {
    return this.#until(pattern, () => this.raw);
  }

  async #until(pattern: RegExp, written: () => string): Promise<void> {
    const late = Date.now() + DEADLINE_MS;
    while (!pattern.test(written())) {
      if (this.#child.exitCode !== null) throw this.#failure(`it ended without ${pattern}`);
      if (Date.now() > late) throw this.#failure(`${pattern} did not come`);
      const timer = setTimeout(() => this.#wake(), 1_000);
      await this.#change.promise;
      clearTimeout(timer);
    }
  }

  /** Resolves to the command's exit code once it has ended. */
  exited(): Promise<number | null> {
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill("SIGTERM");
    await this.#exited;
    this.#child.stdin?.destroy();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  #failure(what: string): Error {
    return new AssertionError(`${what} on the terminal:\n${this.text}`);
  }
}

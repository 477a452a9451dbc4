import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { DemoFailure } from "./demo-failure.ts";

/** How a child ended: a code, or the signal that ended it. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What to start, and where its output goes. */
export interface ChildOptions {
  /** For people: "the cloud redirector". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; this process's own unless told. */
  readonly env?: NodeJS.ProcessEnv;
  /** The folder that it runs in; this process's own unless told. */
  readonly cwd?: string;
  /** Written to standard input, which is then closed; without it there is no standard input. */
  readonly input?: string;
  /** Called for each line of standard output. */
  readonly onLine?: (line: string) => void;
  /** Called for each line that the child writes to its descriptor 3, which is only there with this. */
  readonly onExtraLine?: (line: string) => void;
}

const TAIL_LINES = 60;
const STOP_GRACE_MS = 5_000;
const OUTPUT_GRACE_MS = 1_000;
const SETPRIV = "/usr/bin/setpriv";

/**
 * A child process that never outlives its parent: it has its own session, so that a terminal's Ctrl-C reaches only the
 * parent, which stops its children in their order; and on Linux the kernel ends it when the parent is killed.
 */
export class Child implements AsyncDisposable {
  readonly name: string;
  /** Resolves once the process has ended and its output has been read; never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #tail: string[] = [];
  #exit: ChildExit | undefined;

  /** @throws DemoFailure when the program cannot be started. */
  static async start(options: ChildOptions): Promise<Child> {
    const child = new Child(options, spawnTied(options));
    await child.#spawned();
    return child;
  }

  private constructor(options: ChildOptions, process: ChildProcess) {
    this.name = options.name;
    this.#process = process;
    this.exited = this.#watch();
    const [, stdout, stderr, extra] = process.stdio;
    readLines(stdout, (line) => {
      this.#keep(line);
      options.onLine?.(line);
    });
    readLines(stderr, (line) => this.#keep(line));
    readLines(extra as Readable | undefined, (line) => options.onExtraLine?.(line));
    // A child that ends without reading its input makes this raise EPIPE; its exit code says more.
    process.stdin?.on("error", () => undefined);
    process.stdin?.end(options.input);
  }

  /** How the process ended; undefined while it runs. */
  get exit(): ChildExit | undefined {
    return this.#exit;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The last lines of the output, standard output and error together. */
  tail(): string {
    return this.#tail.join("\n");
  }

  /** Sends a signal; false when the process has ended. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#exit === undefined && this.#process.kill(signal);
  }

  /** Asks the process to end, and kills it after `graceMs`; 5,000 unless told. May be called twice. */
  async stop(graceMs = STOP_GRACE_MS): Promise<ChildExit> {
    this.signal("SIGTERM");
    // A stopped process sees no SIGTERM.
    this.signal("SIGCONT");
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #keep(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }

  async #spawned(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#process.once("spawn", resolve);
      this.#process.once("error", (cause) => {
        reject(new DemoFailure(`${this.name} could not be started: ${cause.message}`, { cause }));
      });
    });
  }

  #watch(): Promise<ChildExit> {
    const child = this.#process;
    return new Promise((resolve) => {
      child.once("error", () => resolve((this.#exit ??= { code: 127, signal: null })));
      child.once("exit", (code, signal) => {
        this.#exit = { code, signal };
        // A grandchild may hold the output open for ever.
        const timer = setTimeout(() => {
          for (const stream of child.stdio) stream?.destroy();
        }, OUTPUT_GRACE_MS);
        child.once("close", () => {
          clearTimeout(timer);
          resolve({ code, signal });
        });
      });
    });
  }
}

/** Starts the process in its own session and, where `setpriv` is there, tied to the life of this one. */
function spawnTied(options: ChildOptions): ChildProcess {
  const tied = process.platform === "linux" && existsSync(SETPRIV);
  const command = tied ? SETPRIV : options.command;
  const args = tied ? ["--pdeathsig", "TERM", "--", options.command, ...options.args] : [...options.args];
  return spawn(command, args, {
    env: options.env ?? process.env,
    cwd: options.cwd,
    stdio: [
      options.input === undefined ? "ignore" : "pipe",
      "pipe",
      "pipe",
      ...(options.onExtraLine ? (["pipe"] as const) : []),
    ],
    detached: process.platform !== "win32",
  });
}

function readLines(stream: Readable | null | undefined, onLine: (line: string) => void): void {
  if (!stream) return;
  // readline passes its input's errors on as its own; a destroyed pipe is an end here.
  createInterface({ input: stream })
    .on("line", onLine)
    .on("error", () => undefined);
}

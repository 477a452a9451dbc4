import { join } from "node:path";

import { Child } from "./child.ts";
import type { ChildExit } from "./child.ts";
import { DemoFailure, failureExitCode } from "./demo-failure.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/**
 * The command that is run and its first arguments: the sources under the Node that runs this, unless the environment
 * names another in DRAWBRIDGE_EXECUTABLE, as a JSON list.
 */
const [COMMAND, ...FIRST_ARGUMENTS] = executable();
/** Halves the time that each of the many processes takes to start. */
const COMPILE_CACHE = join(ROOT, "node_modules", ".cache", "compile");
const EVENT_TIMEOUT_MS = 30_000;
const MOST_EVENTS = 10_000;

/** One line of a command's `--json` output. Long-running commands name their kind in `event`. */
export type DrawbridgeEvent = Readonly<Record<string, unknown>> & { readonly event?: string };

/** How to run a `drawbridge` command. */
export interface DrawbridgeOptions {
  /** The home folder of the role whose command this is. */
  readonly home: string;
  /** What the command reads from standard input, such as an invite code. */
  readonly input?: string;
  /** For people: "the tenant redirector"; the command's first words unless told. */
  readonly name?: string;
  readonly onEvent?: (event: DrawbridgeEvent) => void;
  readonly env?: NodeJS.ProcessEnv;
  /** The words of a program that runs it, as `ip netns exec NAME` does, in its own place; none unless told. */
  readonly inside?: readonly string[];
}

/** Which event to wait for, and how long. */
export interface EventWait {
  /** Milliseconds; 30,000 unless told. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Takes the first event, from the beginning on, that also satisfies this. */
  readonly where?: (event: DrawbridgeEvent) => boolean;
}

/** What a command that ended left behind. */
export interface DrawbridgeResult extends ChildExit {
  /** Standard output as it came. */
  readonly stdout: string;
  /** Those lines of standard output that are JSON objects. */
  readonly events: readonly DrawbridgeEvent[];
  /** The last lines of both outputs. */
  readonly tail: string;
}

/** A `drawbridge` command as a child process: the real executable, under the Node that runs this. */
export class DrawbridgeProcess implements AsyncDisposable {
  readonly child: Child;
  readonly #output: Output;

  /** @throws DemoFailure when Node cannot be started. */
  static async start(args: readonly string[], options: DrawbridgeOptions): Promise<DrawbridgeProcess> {
    const output = new Output(options.onEvent);
    const [command, ...words] = [...(options.inside ?? []), COMMAND, ...FIRST_ARGUMENTS, ...args] as const;
    const child = await Child.start({
      name: options.name ?? `drawbridge ${args.slice(0, 2).join(" ")}`,
      command: command ?? COMMAND,
      args: words,
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...options.env, DRAWBRIDGE_HOME: options.home },
      onLine: (line) => output.add(line),
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    void child.exited.then(() => output.finish());
    return new DrawbridgeProcess(child, output);
  }

  private constructor(child: Child, output: Output) {
    this.child = child;
    this.#output = output;
  }

  /** The events so far. */
  get events(): readonly DrawbridgeEvent[] {
    return this.#output.events;
  }

  /** The lines of standard output so far. */
  get lines(): readonly string[] {
    return this.#output.lines;
  }

  /**
   * Resolves to the first event of this name, also when it came before the call.
   *
   * @throws DemoFailure with the end of the log when the command ends first or the time is over.
   */
  async waitForEvent(name: string, wait: EventWait = {}): Promise<DrawbridgeEvent> {
    const { timeoutMs = EVENT_TIMEOUT_MS, signal, where = () => true } = wait;
    const timeout = AbortSignal.timeout(timeoutMs);
    const limit = signal ? AbortSignal.any([timeout, signal]) : timeout;
    for (;;) {
      const found = this.events.find((event) => event.event === name && where(event));
      if (found) return found;
      signal?.throwIfAborted();
      if (this.#output.finished) throw this.#failure(`before its event "${name}" came`);
      if (timeout.aborted) throw this.#late(name, timeoutMs);
      await this.#output.changed(limit);
    }
  }

  /** Resolves once the command has ended by itself. */
  async ended(): Promise<DrawbridgeResult> {
    const exit = await this.child.exited;
    return { ...exit, stdout: this.lines.join("\n"), events: this.events, tail: this.child.tail() };
  }

  /** Why the command ended by itself; undefined while it runs and when it ended well. */
  failure(): DemoFailure | undefined {
    return this.child.exit === undefined || this.child.exit.code === 0 ? undefined : this.#failure("unexpectedly");
  }

  /** Ends the command as Ctrl-C or a service manager would (SIGTERM), and kills it after `graceMs`. */
  stop(graceMs?: number): Promise<ChildExit> {
    return this.child.stop(graceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #failure(when: string): DemoFailure {
    const exit = this.child.exit ?? { code: null, signal: null };
    return commandFailure(`${this.child.name} ended`, when, { ...exit, events: this.events, tail: this.child.tail() });
  }

  #late(name: string, timeoutMs: number): DemoFailure {
    const text = `${this.child.name} did not report "${name}" within ${timeoutMs / 1_000} s`;
    return new DemoFailure(text, { log: this.child.tail() });
  }
}

/** Runs a command to its end, whatever its exit code. */
export async function runDrawbridge(args: readonly string[], options: DrawbridgeOptions): Promise<DrawbridgeResult> {
  await using command = await DrawbridgeProcess.start(args, options);
  return await command.ended();
}

/** As {@link runDrawbridge}. @throws DemoFailure when the exit code is not 0. */
export async function requireDrawbridge(
  args: readonly string[],
  options: DrawbridgeOptions,
): Promise<DrawbridgeResult> {
  const result = await runDrawbridge(args, options);
  if (result.code === 0) return result;
  throw commandFailure(`drawbridge ${args.join(" ")} ended`, "", result);
}

/** The failure in the command's own words where it said any (its `error` event), else by its exit code. */
function commandFailure(what: string, when: string, result: Omit<DrawbridgeResult, "stdout">): DemoFailure {
  const { code, signal, events, tail } = result;
  const how = code === null ? `by ${signal ?? "a signal"}` : `with code ${code}`;
  const { message, remedy } = events.findLast(({ event }) => event === "error") ?? {};
  const why = typeof message === "string" ? `: ${message}` : "";
  return new DemoFailure(`${what} ${how}${when === "" ? "" : ` ${when}`}${why}`, {
    exitCode: failureExitCode(code),
    log: tail,
    ...(typeof remedy === "string" ? { remedy } : {}),
  });
}

/** A command's standard output, line by line, the last {@link MOST_EVENTS} of each. */
class Output {
  readonly lines: string[] = [];
  readonly events: DrawbridgeEvent[] = [];
  finished = false;
  readonly #onEvent: ((event: DrawbridgeEvent) => void) | undefined;
  #change = Promise.withResolvers<undefined>();

  constructor(onEvent: ((event: DrawbridgeEvent) => void) | undefined) {
    this.#onEvent = onEvent;
  }

  add(line: string): void {
    push(this.lines, line);
    const event = parseEvent(line);
    if (event) {
      push(this.events, event);
      this.#onEvent?.(event);
    }
    this.wake();
  }

  /** Says that no line will follow. */
  finish(): void {
    this.finished = true;
    this.wake();
  }

  /** Lets everybody who waits for a change look again. */
  wake(): void {
    this.#change.resolve(undefined);
    this.#change = Promise.withResolvers();
  }

  /** Resolves on the next line, on abort and at the command's end. */
  async changed(limit: AbortSignal): Promise<void> {
    const { promise } = this.#change;
    const onAbort = () => this.wake();
    limit.addEventListener("abort", onAbort);
    try {
      if (!limit.aborted) await promise;
    } finally {
      limit.removeEventListener("abort", onAbort);
    }
  }
}

function push<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > MOST_EVENTS) list.shift();
}

function parseEvent(line: string): DrawbridgeEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as DrawbridgeEvent;
  } catch {
    return undefined;
  }
}

function executable(): [string, ...string[]] {
  const given = process.env["DRAWBRIDGE_EXECUTABLE"];
  if (given !== undefined) return JSON.parse(given) as [string, ...string[]];
  return [process.execPath, join(ROOT, "packages", "console-cli", "bin", "drawbridge.js")];
}

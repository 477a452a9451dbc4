import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TrafficCommand, TrafficCommands, TrafficResponse } from "./traffic-commands.ts";

const PROGRAM = fileURLToPath(new URL("traffic-process.ts", import.meta.url));

/** A process of its own that makes or takes traffic, so that it and what is measured do not share an event loop. */
export class Traffic implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  constructor() {
    // Without this process it ends by itself: the channel closes.
    this.#child = fork(PROGRAM, { execArgv: ["--no-warnings"] });
    this.#child.on("message", (message) => this.#take(message as TrafficResponse));
    this.#child.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a traffic process ended with ${code}`));
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Gives a command and waits for its answer. */
  async tell<Name extends TrafficCommand>(
    name: Name,
    request: TrafficCommands[Name]["request"],
  ): Promise<TrafficCommands[Name]["response"]> {
    const waiting = Promise.withResolvers<unknown>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, waiting);
    this.#child.send({ id: this.#lastId, name, request });
    return (await waiting.promise) as TrafficCommands[Name]["response"];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.disconnect();
    await exit;
  }

  #take({ id, response, error }: TrafficResponse): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(response);
    else waiting?.reject(new Error(error));
  }
}

import { DrawbridgeError } from "@drawbridge/dataplane";

/**
 * The outgoing half of a stream: what was pushed comes out of the iteration, in order, until `end`.
 *
 * Bounded: a peer that does not read makes `push` fail once `limit` messages wait, and the queue then fails its reader,
 * so that a stalled stream ends instead of growing. A server's reader may itself wait for the peer: the write deadline
 * (`writeDeadlineInterceptor`) ends that.
 */
export class MessageQueue<Message> implements AsyncIterable<Message> {
  readonly #limit: number;
  readonly #waiting: Message[] = [];
  #state: { name: "open" } | { name: "ended" } | { name: "failed"; error: unknown } = { name: "open" };
  #wake: (() => void) | undefined;

  /** @param limit how many messages may wait; 1,024 by default. */
  constructor(limit = 1_024) {
    this.#limit = limit;
  }

  /** Adds a message. Does nothing once the queue has ended. */
  push(message: Message): void {
    if (this.#state.name !== "open") return;
    if (this.#waiting.length >= this.#limit) {
      const text = `the other side of a stream left ${this.#limit} messages unread`;
      this.fail(new DrawbridgeError("limit-exceeded", text));
    } else {
      this.#waiting.push(message);
      this.#wake?.();
    }
  }

  /** Fails the iteration after what waits already. */
  fail(error: unknown): void {
    if (this.#state.name === "open") this.#state = { name: "failed", error };
    this.#wake?.();
  }

  /** Ends the iteration after what waits already. May be called twice. */
  end(): void {
    if (this.#state.name === "open") this.#state = { name: "ended" };
    this.#wake?.();
  }

  /** Ends the queue when the signal fires, also while its reader waits. */
  endOn(signal: AbortSignal): this {
    if (signal.aborted) this.end();
    else signal.addEventListener("abort", () => this.end(), { once: true });
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#state.name === "ended") return;
      else if (this.#state.name === "failed") throw this.#state.error;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }
}

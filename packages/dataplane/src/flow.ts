import type { Duplex } from "node:stream";

/** What a flow tells its owner. Each is called at most once, `ended` before `flushed`. */
export interface FlowEvents {
  /** Bytes moved, for the first-byte and last-activity times. Called for every chunk; must be cheap. */
  readonly moved: () => void;
  /** The source ended, and all its bytes and its end reached the sink's transport. */
  readonly flushed: () => void;
}

/**
 * One direction of a splice: copies from source to sink with back-pressure and passes the source's end on.
 * Errors and closes are the splice's business, which sees both streams.
 */
export class Flow {
  readonly #source: Duplex;
  readonly #sink: Duplex;
  readonly #events: FlowEvents;
  #bytes = 0;

  constructor(source: Duplex, sink: Duplex, events: FlowEvents) {
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
  }

  /** Bytes taken from the source and handed to the sink. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Begins to copy, with what the source has buffered already. */
  start(): void {
    this.#source.on("data", this.#onData);
    this.#source.once("end", this.#onEnd);
    this.#sink.on("drain", this.#onDrain);
    this.#sink.once("finish", this.#events.flushed);
    // The source may have been paused by whoever held it, and then a "data" listener alone does not start it.
    this.#source.resume();
    // Node emits "end" as soon as the end of an empty stream is read, be there a listener or not.
    if (this.#source.readableEnded) this.#onEnd();
  }

  /** Gives up all listeners; moves nothing any more. */
  stop(): void {
    this.#source.off("data", this.#onData);
    this.#source.off("end", this.#onEnd);
    this.#sink.off("drain", this.#onDrain);
    this.#sink.off("finish", this.#events.flushed);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    this.#events.moved();
    if (!this.#sink.write(chunk)) this.#source.pause();
  };

  readonly #onDrain = (): void => {
    this.#source.resume();
  };

  readonly #onEnd = (): void => {
    this.#sink.end();
  };
}

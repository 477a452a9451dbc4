import type { Duplex } from "node:stream";
import type { Flow, FlowEvents } from "./flow.ts";
import type { Toll } from "./toll.ts";

/** A flow over Node's streams; it works with sockets, TLS sockets and any other duplex. */
export class StreamFlow implements Flow {
  readonly #source: Duplex;
  readonly #sink: Duplex;
  readonly #events: FlowEvents;
  readonly #toll: Toll | undefined;
  #bytes = 0;
  /** The sink is full. */
  #isBlocked = false;
  #endWait: (() => void) | undefined;

  constructor(source: Duplex, sink: Duplex, events: FlowEvents, toll?: Toll) {
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
    this.#toll = toll;
  }

  get bytes(): number {
    return this.#bytes;
  }

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

  stop(): void {
    this.#endWait?.();
    this.#source.off("data", this.#onData);
    this.#source.off("end", this.#onEnd);
    this.#sink.off("drain", this.#onDrain);
    this.#sink.off("finish", this.#events.flushed);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    this.#events.moved();
    if (!this.#sink.write(chunk)) this.#isBlocked = true;
    // Paused chunks may still follow, those that the source had buffered: they wait together.
    if (this.#toll?.take(chunk.length) === false) this.#endWait ??= this.#toll.wait(this.#onTollPaid);
    if (this.#isBlocked || this.#endWait !== undefined) this.#source.pause();
  };

  readonly #onDrain = (): void => {
    this.#isBlocked = false;
    this.#resume();
  };

  readonly #onTollPaid = (): void => {
    this.#endWait = undefined;
    this.#resume();
  };

  #resume(): void {
    if (!this.#isBlocked && this.#endWait === undefined) this.#source.resume();
  }

  readonly #onEnd = (): void => {
    this.#sink.end();
  };
}

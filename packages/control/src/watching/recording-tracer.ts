import type { CloseReason } from "@drawbridge/dataplane";
import type { Span, SpanAttributes, SpanOptions, Tracer } from "./span.ts";
import { formatTraceparent, newPlace, parseTraceparent, type TracePlace } from "./traceparent.ts";

/** A span that is over. */
export interface FinishedSpan {
  readonly place: TracePlace;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** Milliseconds since the Unix epoch, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  /** Undefined: all went well. */
  readonly failure: string | undefined;
}

/** Takes spans that are over. */
export interface SpanSink {
  add(span: FinishedSpan): void;
  /** Sends what is left, if that is quickly done. Never rejects. */
  close(): Promise<void>;
}

/** The ends that are nobody's failure. */
const GOOD_ENDS: ReadonlySet<string> = new Set(["closed"]);

/** The clock that never jumps, told as Unix time: spans inside each other fit together. */
const unixNow = (): number => performance.timeOrigin + performance.now();

/** Records spans and hands them on when they are over. */
export class RecordingTracer implements Tracer {
  readonly #sink: SpanSink;

  constructor(sink: SpanSink) {
    this.#sink = sink;
  }

  begin(name: string, { parent = "", attributes = {} }: SpanOptions = {}): Span {
    return new RecordingSpan(this.#sink, name, parseTraceparent(parent), attributes);
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}

class RecordingSpan implements Span {
  readonly traceparent: string;
  readonly #sink: SpanSink;
  readonly #name: string;
  readonly #place: TracePlace;
  readonly #parentSpanId: string | undefined;
  readonly #attributes: SpanAttributes;
  readonly #startMs = unixNow();
  #isOver = false;

  constructor(sink: SpanSink, name: string, parent: TracePlace | undefined, attributes: SpanAttributes) {
    this.#sink = sink;
    this.#name = name;
    this.#place = newPlace(parent);
    this.#parentSpanId = parent?.spanId;
    this.#attributes = attributes;
    this.traceparent = formatTraceparent(this.#place);
  }

  begin(name: string, { parent = "", attributes = {} }: SpanOptions = {}): Span {
    return new RecordingSpan(this.#sink, name, parseTraceparent(parent) ?? this.#place, attributes);
  }

  step(name: string, fromMs: number, toMs: number): void {
    const place = newPlace(this.#place);
    const [startMs, endMs] = [this.#startMs + fromMs, this.#startMs + toMs];
    const parentSpanId = this.#place.spanId;
    this.#add({ place, parentSpanId, name, startMs, endMs, attributes: {}, failure: undefined });
  }

  end(reason?: CloseReason, attributes: SpanAttributes = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const isGood = reason === undefined || GOOD_ENDS.has(reason.code);
    this.#add({
      place: this.#place,
      parentSpanId: this.#parentSpanId,
      name: this.#name,
      startMs: this.#startMs,
      endMs: unixNow(),
      attributes: { ...this.#attributes, ...attributes, ...(reason && { "drawbridge.code": reason.code }) },
      failure: isGood ? undefined : reason.message,
    });
  }

  #add(span: FinishedSpan): void {
    if (span.place.isSampled) this.#sink.add(span);
  }
}

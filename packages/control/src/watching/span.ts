import type { CloseReason } from "@drawbridge/dataplane";
import { closeReasonFrom } from "@drawbridge/dataplane";
import { parseTraceparent } from "./traceparent.ts";

/** What a span says of itself. Never a secret. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** How many bytes went either way, as spans of sessions and links say it. */
export function byteAttributes({ toTenant, toRemote }: { toTenant: number; toRemote: number }): SpanAttributes {
  return { "drawbridge.bytes_to_tenant": toTenant, "drawbridge.bytes_to_remote": toRemote };
}

/** How a span begins. */
export interface SpanOptions {
  /** Default: none. */
  readonly attributes?: SpanAttributes;
  /**
   * A `traceparent` of a peer, to take the place of the span that this one is begun in. One that is empty or not well formed
   * changes nothing. Default: none.
   */
  readonly parent?: string | undefined;
}

/** Something that takes time, in a trace. Where nobody traces, it only passes on the place that it was given. */
export interface Span {
  /** Its place in the trace, as W3C Trace Context writes it, for the next in the chain; may be empty. */
  readonly traceparent: string;
  /** Begins a span inside this one. */
  begin(name: string, options?: SpanOptions): Span;
  /** A span inside this one that is over: from so many to so many milliseconds after this one began. */
  step(name: string, fromMs: number, toMs: number): void;
  /** Ends it; only the first call counts. @param reason default: all went well. */
  end(reason?: CloseReason, attributes?: SpanAttributes): void;
}

/** Where spans begin. */
export interface Tracer {
  begin(name: string, options?: SpanOptions): Span;
  /** Sends what is left, if that is quickly done. May be called twice; never rejects. */
  close(): Promise<void>;
}

/** Records nothing, and keeps a trace together that goes through here. */
class PassingSpan implements Span {
  readonly traceparent: string;

  constructor(traceparent: string) {
    this.traceparent = traceparent;
  }

  begin(_name: string, { parent = "" }: SpanOptions = {}): Span {
    return parseTraceparent(parent) === undefined ? this : new PassingSpan(parent);
  }
  step(): void {}
  end(): void {}
}

/** A span of nothing. */
export const NO_SPAN: Span = new PassingSpan("");

/** A tracer for where nobody traces. */
export const NO_TRACER: Tracer = {
  begin: (name, options) => NO_SPAN.begin(name, options),
  close: () => Promise.resolve(),
};

/** Does something in a span of its own. Throws what it throws. */
export async function traced<Value>(parent: Span, name: string, work: () => Promise<Value>): Promise<Value> {
  const span = parent.begin(name);
  try {
    const value = await work();
    span.end();
    return value;
  } catch (error) {
    span.end(closeReasonFrom(error));
    throw error;
  }
}

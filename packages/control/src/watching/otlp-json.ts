import type { FinishedSpan } from "./recording-tracer.ts";
import type { SpanAttributes } from "./span.ts";

/** What OTLP calls a span that has no special kind, and the status of one that failed. */
const KIND_INTERNAL = 1;
const STATUS_ERROR = 2;

/**
 * Spans as an ExportTraceServiceRequest in JSON.
 *
 * Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding": ids in hexadecimal, 64-bit numbers as texts.
 *
 * @param resource what they all have in common: who recorded them
 */
export function otlpJson(spans: readonly FinishedSpan[], resource: SpanAttributes, scope: string): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributeList(resource) },
        scopeSpans: [{ scope: { name: scope }, spans: spans.map(spanOf) }],
      },
    ],
  });
}

function spanOf({ place, parentSpanId, name, startMs, endMs, attributes, failure }: FinishedSpan): object {
  return {
    traceId: place.traceId,
    spanId: place.spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: KIND_INTERNAL,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: attributeList(attributes),
    status: failure === undefined ? {} : { code: STATUS_ERROR, message: failure },
  };
}

const nanoseconds = (ms: number): string => String(BigInt(Math.round(ms * 1_000)) * 1_000n);

function attributeList(attributes: SpanAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: string | number | boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

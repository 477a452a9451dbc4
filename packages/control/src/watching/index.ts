export { MetricSet, type MetricDefinition, type MetricDefinitions } from "./metric-set.ts";
export { openTracer } from "./open-tracer.ts";
export { NO_SPAN, NO_TRACER, traced, type Span, type SpanAttributes, type SpanOptions, type Tracer } from "./span.ts";
export { formatTraceparent, newPlace, parseTraceparent, type TracePlace } from "./traceparent.ts";
export { openWatchServer } from "./open-watch-server.ts";
export type { WatchServer, WatchServerOptions } from "./watch-server.ts";

import { DrawbridgeError } from "@drawbridge/dataplane";
import type { Log } from "../wire/log.ts";
import { SOFTWARE } from "../wire/software.ts";
import { NO_TRACER, type SpanAttributes, type Tracer } from "./span.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const PATH = "v1/traces";

/**
 * The tracer that the environment asks for, as every program with OpenTelemetry does; one that records nothing where
 * OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT are not set, or OTEL_SDK_DISABLED is `true` or
 * OTEL_TRACES_EXPORTER `none`. Further read: OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
 *
 * Source: OpenTelemetry specification, "General SDK Configuration" and "OpenTelemetry Protocol Exporter".
 *
 * Errors: `invalid-argument` for an address that is none, or a protocol that is not spoken.
 *
 * @param service the name of who records, unless the environment has another
 */
export async function openTracer(service: string, environment: Environment, log: Log): Promise<Tracer> {
  const url = receiver(environment);
  if (url === undefined) return NO_TRACER;
  // Only now: most processes never record a span.
  const [{ OtlpSink }, { RecordingTracer }] = await Promise.all([
    import("./otlp-sink.ts"),
    import("./recording-tracer.ts"),
  ]);
  const headers = pairs(environment["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] ?? environment["OTEL_EXPORTER_OTLP_HEADERS"]);
  return new RecordingTracer(
    new OtlpSink({ url, headers, resource: resource(service, environment), scope: SOFTWARE, log }),
  );
}

function receiver(environment: Environment): URL | undefined {
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || environment["OTEL_TRACES_EXPORTER"] === "none")
    return undefined;
  const whole = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] || undefined;
  const base = environment["OTEL_EXPORTER_OTLP_ENDPOINT"] || undefined;
  if (whole === undefined && base === undefined) return undefined;
  const protocol =
    environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] ?? environment["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "http/json";
  if (protocol === "grpc") throw wrong("OTEL_EXPORTER_OTLP_PROTOCOL is grpc", "Set it to http/json.");
  const url = whole === undefined ? URL.parse(PATH, `${base?.replace(/\/+$/, "") ?? ""}/`) : URL.parse(whole);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw wrong("OTEL_EXPORTER_OTLP_ENDPOINT is no http address", "Write it as http://127.0.0.1:4318, or unset it.");
}

function resource(service: string, environment: Environment): SpanAttributes {
  const given = pairs(environment["OTEL_RESOURCE_ATTRIBUTES"]);
  const named = environment["OTEL_SERVICE_NAME"] ?? "";
  return { "service.name": service, ...given, ...(named !== "" && { "service.name": named }) };
}

/** `key=value,key=value`, percent-encoded. What is not of this form is left out. */
function pairs(text = ""): Record<string, string> {
  const found = text.split(",").flatMap((pair) => {
    const at = pair.indexOf("=");
    const [key, value] = [pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())];
    return at > 0 && /^[\w.-]+$/.test(key) && value !== undefined ? [[key, value] as const] : [];
  });
  return Object.fromEntries(found);
}

function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    // A header's value: nothing that would end it.
    return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const wrong = (message: string, remedy: string): DrawbridgeError =>
  new DrawbridgeError("invalid-argument", message, { remedy });

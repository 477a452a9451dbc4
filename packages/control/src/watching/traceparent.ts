import { randomBytes } from "node:crypto";

/** A place in a trace. */
export interface TracePlace {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** Whether it is recorded. */
  readonly isSampled: boolean;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 1;

/**
 * Reads a `traceparent`, from a peer perhaps; undefined where it is none: it only groups what is recorded, and is not
 * worth a refusal. Of a later version only the form of this one is understood.
 *
 * Source: W3C Trace Context, section 3.2.
 */
export function parseTraceparent(text: string): TracePlace | undefined {
  const [, version, traceId, spanId, flags] = FORM.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || version === "ff") return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags ?? "0", 16) & SAMPLED) === SAMPLED };
}

/** As W3C Trace Context writes it, version 0. */
export const formatTraceparent = ({ traceId, spanId, isSampled }: TracePlace): string =>
  `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;

/** A new place: inside another one, or the first of a new trace. */
export function newPlace(parent: TracePlace | undefined): TracePlace {
  const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
  return { traceId, spanId: randomBytes(8).toString("hex"), isSampled: parent?.isSampled ?? true };
}

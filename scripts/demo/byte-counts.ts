import type { DrawbridgeEvent } from "./drawbridge.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes of a session so far: towards the tenant, and back to the remote redirector. */
export interface ByteCounts {
  readonly toTenant: number;
  readonly toRemote: number;
  /** Links open now. */
  readonly links: number;
}

/** Reads the counts of a `bytes` or `session-ended` event. */
export function readByteCounts(event: DrawbridgeEvent): ByteCounts {
  const count = (key: string): number => Number(event[key] ?? 0);
  return { toTenant: count("toTenant"), toRemote: count("toRemote"), links: count("links") };
}

/** A number of bytes for people: "30.2 kB". Units are powers of 1,000. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

/** The counts as one line. */
export function formatByteCounts({ toTenant, toRemote, links }: ByteCounts): string {
  const open = links === 1 ? "1 link" : `${links} links`;
  return `${formatBytes(toTenant)} to the tenant, ${formatBytes(toRemote)} to the operator, ${open}`;
}

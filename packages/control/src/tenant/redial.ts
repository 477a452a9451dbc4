import type { Gateways } from "@drawbridge/dataplane";
import type { Backoff } from "../rpc/backoff.ts";

/** A control connection that is lost, or that could not be made. */
export interface LostConnection {
  /** The gateway, as `host:port`. */
  place: string;
  /** The cloud redirector has said that it stops, and when to come back: in milliseconds. */
  reconnectAfterMs?: number | undefined;
  /** It was given up because the machine had slept. */
  slept?: boolean;
}

/** The longest that a cloud redirector can tell a tenant to stay away, in milliseconds. */
const LONGEST_AWAY_MS = 10 * 60_000;

/**
 * How long to wait before the next attempt, in milliseconds. `heldMs` is how long the last one took and held.
 *
 * - After a drain: as long as the cloud redirector said, so that its tenants come back spread out.
 * - While a gateway is left that has not failed lately: hardly, since that one may well answer.
 * - Otherwise longer and longer, with full jitter.
 */
export function redialAfterMs(lost: LostConnection, heldMs: number, gateways: Gateways, backoff: Backoff): number {
  const { place, reconnectAfterMs, slept = false } = lost;
  if (reconnectAfterMs !== undefined) return Math.min(Math.max(0, reconnectAfterMs), LONGEST_AWAY_MS);
  if (slept) return backoff.soon(heldMs);
  gateways.failed(place);
  return gateways.hasOtherThan(place) ? backoff.soon(heldMs) : backoff.next(heldMs);
}

import type { CloseReason, LinkSetUp, Timer } from "@drawbridge/dataplane";
import type { Span } from "../watching/span.ts";
import type { LinkPlace, PlainPermit } from "./ports.ts";
import type { TimeBox } from "./time-box.ts";

/** What a tenant says when it accepts a session. */
export interface SessionAcceptance {
  decidedBy: string;
  plainPermit?: PlainPermit | undefined;
  /** How many links ahead it will hold. Default: none. */
  linksAhead?: number;
}

/** A tenant's decision on a session. */
export type SessionDecision =
  | ({ decision: "accepted" } & SessionAcceptance)
  | { decision: "pending"; withinMs: number }
  | { decision: "refused"; reason: CloseReason };

/**
 * Where a session stands.
 *
 * - `pending`: offered to the tenant; `lapse` ends it when no decision comes.
 * - `open`: accepted, by the tenant's policy or the person `decidedBy`; links may be made while `timeBox` lasts, and go
 *   without end-to-end encryption where it is `plain`.
 * - `ended`: over, for `reason`. Nothing follows.
 */
export type SessionState =
  | { name: "pending"; lapse: Timer }
  | { name: "open"; since: number; decidedBy: string; plain: boolean; timeBox: TimeBox }
  | { name: "ended"; reason: CloseReason };

/** A link that is there, or is to be. */
export interface OpenLink {
  place: LinkPlace;
  requestId: number;
  /** Made before anybody needed it. */
  ahead: boolean;
  span: Span;
}

/** When the first byte of a link ahead came says when it was needed, not how long its set-up took. */
export function withoutFirstByte(setUp: LinkSetUp): LinkSetUp {
  return { ...setUp, firstByteMs: undefined };
}

/** How many links a session may have ready before they are needed, as the contract has it. */
export const MOST_LINKS_AHEAD = 4;

/** Whether a link was made ahead and nobody has needed it yet. */
export function isUnused({ ahead, place }: OpenLink): boolean {
  if (!ahead) return false;
  const { toTenant, toRemote } = place.counts();
  return toTenant + toRemote === 0;
}

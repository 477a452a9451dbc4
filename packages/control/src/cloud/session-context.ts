import type { CloseReason, LinkSetUp, Timer } from "@drawbridge/dataplane";
import type { Span } from "../watching/span.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { LinkNews, LinkPlace, LinkPlaces, PlainPermit, RemotePort, TenantPort } from "./ports.ts";
import type { Session } from "./session.ts";
import type { TimeBox, TimeLimits } from "./time-box.ts";

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

/** What a session needs from its surroundings. */
export interface SessionContext {
  clock: WallClock;
  links: LinkPlaces;
  remote: RemotePort;
  /** The tenant's control connection now, or undefined while the tenant is offline. */
  tenantPort: () => TenantPort | undefined;
  tenantKeyFingerprint: string;
  newLinkId: () => string;
  /** Where legs are dialled; empty for the address at which each peer reached the control plane. */
  rendezvousAddress: string;
  answerWithinMs: number;
  /** The longest time that a tenant may ask a person for, in milliseconds. */
  consentWithinMs: number;
  maxLinks: number;
  timeLimits: TimeLimits;
  /** Of an operator that asks for plain links; otherwise empty. */
  plainNonce: Uint8Array;
  /** How many links the operator wants to have ready before it needs them. */
  linksAhead: number;
  /** The session in a trace. */
  span: Span;
  /** Called at each change that others can see: state, number of links. */
  onChange: (session: Session) => void;
  /** Called when a person at the tenant is being asked, for so many milliseconds. */
  onConsentAsked: (session: Session, withinMs: number) => void;
  /** Called at each change of a link. */
  onLink: (session: Session, news: LinkNews) => void;
}

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

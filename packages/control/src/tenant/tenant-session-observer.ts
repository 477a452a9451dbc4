import type { CloseReason } from "@drawbridge/dataplane";
import type { OfferedSession } from "./offers.ts";
import type { SessionTerms, SessionTotals } from "./open-session.ts";
import type { TenantLinkEnd } from "./tenant-link.ts";

/** Told of what sessions do. Must not throw. */
export interface TenantSessionObserver {
  /** First of all, for each offer. */
  sessionOffered(offer: OfferedSession): void;
  /** A person is being asked, because of a rule. */
  sessionPending(offer: OfferedSession, because: string, withinMs: number): void;
  sessionOpened(offer: OfferedSession, terms: SessionTerms): void;
  /** @param by the rule or the person; what else stood in the way. */
  sessionRefused(offer: OfferedSession, reason: CloseReason, by: string): void;
  /** The operator has given up before it was answered, or the control connection was lost. */
  sessionWithdrawn(offer: OfferedSession, reason: CloseReason): void;
  /** After the ends of all its links. */
  sessionEnded(offer: OfferedSession, reason: CloseReason, totals: SessionTotals): void;
  /** @param plain whether it goes without end-to-end encryption. */
  linkOpened(offer: OfferedSession, linkId: string, plain: boolean): void;
  linkClosed(offer: OfferedSession, linkId: string, end: TenantLinkEnd): void;
}

/** One observer that tells several, in order; or none. */
export function tellAll(observers: readonly TenantSessionObserver[]): TenantSessionObserver {
  const each = (tell: (observer: TenantSessionObserver) => void): void => observers.forEach(tell);
  return {
    sessionOffered: (...what) => each((observer) => observer.sessionOffered(...what)),
    sessionPending: (...what) => each((observer) => observer.sessionPending(...what)),
    sessionOpened: (...what) => each((observer) => observer.sessionOpened(...what)),
    sessionRefused: (...what) => each((observer) => observer.sessionRefused(...what)),
    sessionWithdrawn: (...what) => each((observer) => observer.sessionWithdrawn(...what)),
    sessionEnded: (...what) => each((observer) => observer.sessionEnded(...what)),
    linkOpened: (...what) => each((observer) => observer.linkOpened(...what)),
    linkClosed: (...what) => each((observer) => observer.linkClosed(...what)),
  };
}

import type { Socket } from "node:net";
import type { CloseReason, HandshakeToken } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { Span } from "../watching/span.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AccessPolicy } from "./access-policy.ts";
import type { OfferAnswer, OfferedLink, OfferedSession } from "./offers.ts";
import type { AnyTargets } from "./targets.ts";
import type { TenantSessionObserver } from "./tenant-session-observer.ts";

/** The way back to the cloud redirector: the control connection that is there now. */
export interface AnswerPort {
  answerSession(sessionId: string, answer: OfferAnswer): void;
  closeSession(sessionId: string, reason: CloseReason): void;
  linkAccepted(linkId: string): void;
  linkRefused(linkId: string, reason: CloseReason): void;
}

/** What the sessions of a tenant redirector are made of. */
export interface TenantSessionsOptions {
  /** The identity with its newest certificate. */
  identity: () => EnrolledIdentity;
  targets: AnyTargets;
  policy: AccessPolicy;
  observer: TenantSessionObserver;
  clock: WallClock;
  /** Dials a leg; `at` is where the offer says, as `host:port`, or empty. */
  dialLeg: (at: string, token: HandshakeToken, signal: AbortSignal) => Promise<Socket>;
  /** Called when a consent request comes or goes. Must not throw. Default: nobody. */
  onRequestsChange?: () => void;
  /** The span of a link that begins. Default: none. */
  traceLink?: (session: OfferedSession, link: OfferedLink) => Span;
  /** Looks a free target's name up. Default: the system's way. */
  resolve?: (host: string) => Promise<readonly string[]>;
  /** Links of one session at a time. Default 64. */
  maxLinksPerSession?: number;
  /** Links in all at a time. Default 4,096. */
  maxLinks?: number;
  /** Sessions at a time. Default 1,024, as many as a hello can hold. */
  maxSessions?: number;
}

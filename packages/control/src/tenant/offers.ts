import type { CloseReason, HandshakeToken } from "@drawbridge/dataplane";

/** A session that the cloud redirector offers, in an operator's name. */
export interface OfferedSession {
  sessionId: string;
  /** The target's name. */
  target: string;
  operator: string;
  operatorRole: "viewer" | "operator" | "admin";
  reason: string;
  ticket: string;
  sourceAddress: string;
  /** SHA-256 of the operator's public key, hexadecimal, as the cloud redirector says. */
  operatorKeyFingerprint: string;
  /** How long the cloud redirector waits for a first answer, in milliseconds. */
  answerWithinMs: number;
}

/** A link inside an accepted session. */
export interface OfferedLink {
  linkId: string;
  sessionId: string;
  token: HandshakeToken;
  /** `host:port`; empty for the address of the control connection. */
  rendezvousAddress: string;
}

/** What the tenant's policy says of a session. */
export type PolicyDecision =
  { decision: "accepted" } | { decision: "pending"; withinMs: number } | { decision: "refused"; reason: CloseReason };

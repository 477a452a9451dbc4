import type { Address, CloseReason, HandshakeToken } from "@drawbridge/dataplane";
import type { PlainPermit } from "../wire/plain-permit.ts";
import type { TargetAddress } from "./policy/networks.ts";

/** Where a free target is. Its name was looked up once, and no other address than these is dialled in its session. */
export interface FreeTargetPlace extends Address {
  /** At least one. */
  readonly addresses: readonly TargetAddress[];
}

/** A session that the cloud redirector offers, in an operator's name. */
export interface OfferedSession {
  sessionId: string;
  /** The target's name, or `host:port` of a free target. */
  target: string;
  /** Of a free target: where it is, once that is known. INVARIANT: never from the cloud redirector. */
  place?: FreeTargetPlace;
  operator: string;
  operatorRole: "viewer" | "operator" | "admin";
  reason: string;
  ticket: string;
  sourceAddress: string;
  /** SHA-256 of the operator's public key, hexadecimal, as the cloud redirector says. */
  operatorKeyFingerprint: string;
  /** How long the cloud redirector waits for the final answer, in milliseconds. */
  answerWithinMs: number;
  /** Of an operator that asks for plain links; undefined: it does not. */
  plainNonce?: Uint8Array | undefined;
  /** Where it belongs in a trace, as the cloud redirector says: any text. Default: nowhere. */
  traceparent?: string;
}

/** A link inside an accepted session. */
export interface OfferedLink {
  linkId: string;
  sessionId: string;
  token: HandshakeToken;
  /** `host:port`; empty for the address of the control connection. */
  rendezvousAddress: string;
  /** Nobody needs it yet: the target is dialled when the leg's first byte comes. */
  ahead: boolean;
  /** Where it belongs in a trace, as the cloud redirector says: any text. Default: nowhere. */
  traceparent?: string;
}

/** Who allowed a session: the policy, by one of its rules, or a person. */
export type Consent = { by: "policy"; because: string } | { by: "person"; name: string };

/** What the cloud redirector is told about an offer; after `pending`, another answer follows. */
export type OfferAnswer =
  | { decision: "accepted"; consent: Consent; plainPermit?: PlainPermit | undefined; linksAhead: number }
  | { decision: "pending"; withinMs: number }
  | { decision: "refused"; reason: CloseReason };

import type { CloseReason, HandshakeToken, LinkSetUp } from "@drawbridge/dataplane";
import type { TimeLimits } from "./time-box.ts";

/*
 * What the pure state of this role needs from the world: the streams to tenants and operators, and the rendezvous.
 * services/ and cloud-redirector.ts supply them.
 */

/** An operator that opens a session, as its certificate and the store tell. */
export interface SessionOperator {
  name: string;
  role: "viewer" | "operator" | "admin";
  /** SHA-256 of its enrolled public key, hexadecimal. */
  keyFingerprint: string;
  /** The address that the request came from. */
  sourceAddress: string;
}

/** What a session is for. */
export interface SessionPurpose {
  tenant: string;
  target: string;
  reason: string;
  ticket: string;
}

/** What an operator asks for. */
export interface SessionRequest {
  purpose: SessionPurpose;
  /** How long the operator wants it to last at most, in milliseconds; undefined: as long as the provider allows. */
  maxDurationMs: number | undefined;
  /** Of an operator that asks for plain links; passed on to the tenant as it is. Default: none. */
  plainNonce?: Uint8Array;
  /** How many links to have ready before they are needed. Default: none. */
  linksAhead?: number;
  /** Where the operator's end says that it belongs in a trace, as W3C Trace Context writes it. Default: nowhere. */
  traceparent?: string;
}

/** A session as it is offered to a tenant. */
export interface SessionOfferDetails extends SessionPurpose {
  sessionId: string;
  operator: SessionOperator;
  /** How long the final answer is waited for, in milliseconds. */
  answerWithinMs: number;
  plainNonce: Uint8Array;
  /** Where it belongs in a trace; may be empty. */
  traceparent: string;
}

/** A tenant's word that a session's links may go plain. Only the remote redirector can judge it. */
export interface PlainPermit {
  publicKey: Uint8Array;
  signature: Uint8Array;
}

/** What an operator is told when its session opens. */
export interface SessionOpening {
  sessionId: string;
  tenantKeyFingerprint: string;
  timeLimits: TimeLimits;
  /** As the tenant gave it. */
  plainPermit: PlainPermit | undefined;
  /** So many tickets, or refusals, for links ahead follow. */
  linksAhead: number;
}

/** Where and with which token one leg of a link is dialled. */
export interface LegTicket {
  linkId: string;
  token: HandshakeToken;
  /** `host:port`; empty for the address at which the peer reached the control plane. */
  rendezvousAddress: string;
  expiresInMs: number;
}

/** The way to a tenant: its control connection. */
export interface TenantPort {
  /** The running gateway that it came through, as that named itself; undefined where it did not, or where there is none. */
  readonly gateway: string | undefined;
  offerSession(offer: SessionOfferDetails): void;
  closeSession(sessionId: string, reason: CloseReason): void;
  /** @param more `traceparent`: where the link belongs in a trace; may be empty. `ahead`: nobody needs it yet. */
  offerLink(sessionId: string, ticket: LegTicket, more: { traceparent: string; ahead: boolean }): void;
  /** Says that the cloud redirector is about to stop, within so many milliseconds, and when to come back after that. */
  drain(withinMs: number, reconnectAfterMs: number): void;
  /** Asks for a control connection through another gateway, after `moveAfterMs`: this one stops within so many milliseconds. */
  move(withinMs: number, moveAfterMs: number): void;
  /** Says goodbye and ends the control connection. */
  goodbye(reason: CloseReason): void;
}

/** Bytes, as the rendezvous counted them. */
export interface SessionBytes {
  toTenant: number;
  toRemote: number;
}

/** The way to a remote redirector: its session stream. */
export interface RemotePort {
  /** A person at the tenant is being asked, for so many milliseconds. */
  pending(sessionId: string, withinMs: number): void;
  opened(opening: SessionOpening): void;
  linkTicket(requestId: number, ticket: LegTicket): void;
  linkRefused(requestId: number, linkId: string, reason: CloseReason): void;
  linkEnded(linkId: string, reason: CloseReason, bytes: SessionBytes): void;
  /** The session will be over within so many milliseconds. */
  ending(withinMs: number, reason: CloseReason): void;
  /** The session is over: says so and ends the stream. */
  ended(reason: CloseReason, bytes: SessionBytes): void;
}

/** One link's place at the rendezvous. */
export interface LinkPlace {
  readonly linkId: string;
  readonly remoteToken: HandshakeToken;
  readonly tenantToken: HandshakeToken;
  readonly expiresInMs: number;
  /** Resolves when the link is over, for whatever reason. Never rejects. */
  readonly closed: Promise<{ reason: CloseReason; toTenant: number; toRemote: number }>;
  /** Resolves when both legs are there, or when the link ended before. Never rejects. */
  readonly paired: Promise<{ outcome: "paired" | "ended" }>;
  counts(): SessionBytes;
  /** How long the steps of its set-up took so far. */
  setUp(): LinkSetUp;
  close(reason: CloseReason): void;
}

/**
 * What has happened to a link of a session.
 *
 * - `requested`: both tokens were given out
 * - `paired`: bytes can flow
 * - `refused`: it will not be; `linkId` is empty where there never was one
 * - `ended`: it is over
 */
export type LinkNews = { readonly linkId: string } & (
  | { readonly what: "requested" }
  | { readonly what: "paired"; readonly setUp: LinkSetUp }
  | { readonly what: "refused"; readonly reason: CloseReason }
  | { readonly what: "ended"; readonly reason: CloseReason; readonly setUp: LinkSetUp; readonly bytes: SessionBytes }
);

/** Makes places for links at the rendezvous. */
export interface LinkPlaces {
  /** @param link `session`: whose cap on bytes per second counts; undefined: no session's. */
  expect(link: { linkId: string; tenant: string; session?: string }): LinkPlace;
}

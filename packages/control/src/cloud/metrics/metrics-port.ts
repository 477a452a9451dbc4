import type { CloseReason, LinkSetUp } from "@drawbridge/dataplane";
import type { PrincipalKind } from "../../identity/index.ts";

/** A step of setting a session or a link up. */
export type SetUpStep = "consent" | "first_leg" | "paired" | "first_byte";

/** Why a TLS handshake failed: it took too long; the peer was gone; the peer did what TLS does not allow. */
export type HandshakeFailure = "timeout" | "gone" | "tls";

/** What is counted as it happens. Must not throw. Figures that something holds anyway are polled instead. */
export interface Metrics {
  tenantConnected(): void;
  sessionRequested(): void;
  /** @param afterMs since it was asked for. */
  sessionOpened(afterMs: number): void;
  /** It was asked for and never opened. */
  sessionRefused(reason: CloseReason): void;
  sessionEnded(reason: CloseReason): void;
  linkRequested(): void;
  linkPaired(setUp: LinkSetUp): void;
  linkRefused(reason: CloseReason): void;
  linkEnded(reason: CloseReason, setUp: LinkSetUp): void;
  socketRefused(reason: CloseReason): void;
  callRefused(reason: CloseReason): void;
  handshakeFailed(why: HandshakeFailure): void;
  enrolled(kind: PrincipalKind): void;
  auditFailed(): void;
}

const nothing = (): void => {};

/** For where nobody counts. */
export const NO_METRICS: Metrics = {
  tenantConnected: nothing,
  sessionRequested: nothing,
  sessionOpened: nothing,
  sessionRefused: nothing,
  sessionEnded: nothing,
  linkRequested: nothing,
  linkPaired: nothing,
  linkRefused: nothing,
  linkEnded: nothing,
  socketRefused: nothing,
  callRefused: nothing,
  handshakeFailed: nothing,
  enrolled: nothing,
  auditFailed: nothing,
};

import type { EnrolledIdentity } from "../identity/index.ts";
import { type PlainPermit, signPlainPermit } from "../wire/plain-permit.ts";
import type { OfferedSession } from "./offers.ts";
import type { PolicyVerdict, SessionBounds } from "./policy/policy.ts";

/** Whether a session's links would go plain: the operator asks for it, and the policy permits it. */
export function goesPlain(offer: OfferedSession, verdict: PolicyVerdict): boolean {
  return offer.plainNonce !== undefined && verdict.verdict !== "deny" && verdict.plainLinks === true;
}

/**
 * The tenant's word that a session's links go plain; undefined: they are encrypted.
 *
 * INVARIANT: the only way to a plain link. It needs the operator's nonce and the policy's word.
 */
export function plainPermitFor(
  { privateKey }: EnrolledIdentity,
  { plainNonce: nonce, operatorKeyFingerprint, target }: OfferedSession,
  { plainLinks }: SessionBounds,
): PlainPermit | undefined {
  if (nonce === undefined || plainLinks !== true) return undefined;
  return signPlainPermit(privateKey, { nonce, operatorKeyFingerprint, target });
}

/** What was asked, less what the policy no longer permits: it may have been reloaded while a person decided. */
export function stillPermitted(offer: OfferedSession, asked: SessionBounds, now: PolicyVerdict): SessionBounds {
  if (asked.plainLinks !== true || goesPlain(offer, now)) return asked;
  const { plainLinks: _, ...others } = asked;
  return others;
}

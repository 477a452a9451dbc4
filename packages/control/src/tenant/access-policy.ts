import type { Address, CloseReason } from "@drawbridge/dataplane";
import type { OfferedSession } from "./offers.ts";
import type { PolicyDenial, PolicyVerdict } from "./policy/policy.ts";

/** Decides on sessions. The tenant's own: nothing that the cloud redirector says can widen it. */
export interface AccessPolicy {
  /**
   * Judges a session, when it is offered and again whenever the policy has changed.
   * @param at when it was offered, in milliseconds since the Unix epoch.
   */
  judge(offer: OfferedSession, at: number): PolicyVerdict;
  /** Why no session at all may begin now, whatever the policy; undefined where nothing is in the way. */
  obstacle(): CloseReason | undefined;
  /** What it says of free targets before anybody looks where they are. Default: none is permitted. */
  readonly freeTargets?: FreeTargetAccess | undefined;
}

/** What a policy says of free targets. */
export interface FreeTargetAccess {
  /** Whether it lets anybody reach any. */
  some(): boolean;
  /** Why a session is denied wherever its target's host may lead; undefined: look, and then `judge`. */
  refusalBeforeLookUp(offer: OfferedSession, target: Address, at: number): PolicyDenial | undefined;
}

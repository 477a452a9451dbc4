import type { CloseReason } from "@drawbridge/dataplane";
import type { OfferedSession } from "./offers.ts";
import type { PolicyVerdict } from "./policy/policy.ts";

/** Decides on sessions. The tenant's own: nothing that the cloud redirector says can widen it. */
export interface AccessPolicy {
  /**
   * Judges a session, when it is offered and again whenever the policy has changed.
   * @param at when it was offered, in milliseconds since the Unix epoch.
   */
  judge(offer: OfferedSession, at: number): PolicyVerdict;
  /** Why no session at all may begin now, whatever the policy; undefined where nothing is in the way. */
  obstacle(): CloseReason | undefined;
}

import type { OfferedSession, PolicyDecision } from "./offers.ts";
import type { TenantTargets } from "./targets.ts";

/** Decides on sessions. The tenant's own: nothing that the cloud redirector says can widen it. */
export interface AccessPolicy {
  decide(offer: OfferedSession): PolicyDecision;
}

/** The policy that a fresh enrolment has: exactly the targets that were named, to every operator of the provider. */
export function allowNamedTargets(targets: TenantTargets): AccessPolicy {
  return {
    decide({ target }) {
      if (targets.has(target)) return { decision: "accepted" };
      const message = `this tenant has no target ${target}`;
      return { decision: "refused", reason: { code: "target-not-found", message } };
    },
  };
}

import type { CloseReason } from "@drawbridge/dataplane";

/** For a session that the policy alone had allowed, and no longer does. */
export const NOT_CONSENTED: CloseReason = {
  code: "consent-refused",
  message: "the tenant's policy now asks a person for this session",
  remedy: "Connect again.",
};

/** For a session whose links go plain, which the policy no longer permits. */
export const NO_LONGER_PLAIN: CloseReason = {
  code: "consent-refused",
  message: "the tenant's policy no longer permits plain links",
  remedy: "Connect again, without --plain.",
};

/** For a target that this tenant had, and has no longer, or somewhere else. */
export function targetGone(name: string): CloseReason {
  return { code: "target-not-found", message: `the tenant's target ${name} was taken away or leads elsewhere now` };
}

/** For a target that this tenant does not have. */
export function noTarget(name: string): CloseReason {
  return { code: "target-not-found", message: `this tenant has no target ${name}` };
}

import { DrawbridgeError } from "@drawbridge/dataplane";
import { isFreeTarget, readFreeTarget } from "../wire/free-target.ts";
import type { SessionOperator, SessionPurpose } from "./ports.ts";
import type { TenantFacts } from "./tenant-registry.ts";

/** Which operators may ask for free targets: those from a role upwards, or none. */
export type FreeTargetRight = "operator" | "admin" | "nobody";

/**
 * Refuses a target that the tenant does not have, and a free one that the provider does not let this operator ask for.
 * Whether a free target may be reached is not decided here, but by the tenant.
 *
 * Errors: `target-not-found`; `invalid-argument` for a free target that is not in its one form; `permission-denied`.
 */
export function checkTarget(
  { target, tenant }: SessionPurpose,
  facts: Pick<TenantFacts, "targets" | "freeTargets"> = { targets: [] },
  { name, role }: SessionOperator,
  right: FreeTargetRight,
): void {
  const { targets, freeTargets = false } = facts;
  if (targets.some((each) => each.name === target)) return;
  if (isFreeTarget(target)) readFreeTarget(target);
  if (!isFreeTarget(target) || !freeTargets) throw unknownTarget(tenant, target, targets);
  if (right === "operator" || right === role) return;
  throw new DrawbridgeError("permission-denied", `operator ${name} (${role}) may not ask for free targets`, {
    remedy: "Name one of the tenant's targets; whom the provider lets ask for others is its setting.",
  });
}

function unknownTarget(tenant: string, target: string, targets: readonly { name: string }[]): DrawbridgeError {
  const offers = targets.length === 0 ? "It offers none." : `It offers: ${targets.map(({ name }) => name).join(", ")}.`;
  const remedy = isFreeTarget(target) ? `${offers} Only the tenant's policy can permit free targets.` : offers;
  return new DrawbridgeError("target-not-found", `tenant ${tenant} has no target ${target}`, { remedy });
}

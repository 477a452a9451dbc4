import type { CloseReason } from "@drawbridge/dataplane";
import type { AccessLock } from "./access-lock.ts";
import { lockedReason } from "./access-lock.ts";
import type { AccessPolicy, FreeTargetAccess } from "./access-policy.ts";
import type { OfferedSession } from "./offers.ts";
import type { Policy, PolicyDenial, PolicyVerdict } from "./policy/policy.ts";
import { judge, refusalBeforeLookUp } from "./policy/policy.ts";

/** What decides on sessions now: the lock, and the policy file as it was last read. */
export class TenantAccess implements AccessPolicy {
  /** The policy in force. */
  policy: Policy;
  /** The kill switch; undefined while it is open. */
  lock: AccessLock | undefined;
  readonly #obstacle: () => CloseReason | undefined;

  constructor(policy: Policy, lock: AccessLock | undefined, obstacle: () => CloseReason | undefined) {
    this.policy = policy;
    this.lock = lock;
    this.#obstacle = obstacle;
  }

  readonly freeTargets: FreeTargetAccess = {
    some: () => this.policy.freeTargets?.some(({ outcome }) => outcome.decision !== "deny") ?? false,
    refusalBeforeLookUp: (offer, target, at) => this.#locked() ?? refusalBeforeLookUp(this.policy, offer, target, at),
  };

  judge(offer: OfferedSession, at: number): PolicyVerdict {
    return this.#locked() ?? judge(this.policy, offer, at);
  }

  obstacle(): CloseReason | undefined {
    return this.#obstacle();
  }

  #locked(): PolicyDenial | undefined {
    return this.lock && { verdict: "deny", because: "lock", reason: lockedReason(this.lock) };
  }
}

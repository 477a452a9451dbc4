import type { CloseReason } from "@drawbridge/dataplane";
import type { AccessLock } from "./access-lock.ts";
import { lockedReason } from "./access-lock.ts";
import type { AccessPolicy } from "./access-policy.ts";
import type { OfferedSession } from "./offers.ts";
import type { Policy, PolicyVerdict } from "./policy/policy.ts";
import { judge } from "./policy/policy.ts";

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

  judge(offer: OfferedSession, at: number): PolicyVerdict {
    if (this.lock !== undefined) return { verdict: "deny", because: "lock", reason: lockedReason(this.lock) };
    return judge(this.policy, offer, at);
  }

  obstacle(): CloseReason | undefined {
    return this.#obstacle();
  }
}

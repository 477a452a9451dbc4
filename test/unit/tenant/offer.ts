import type { OfferedSession } from "../../../packages/control/src/tenant/offers.ts";

/** An offer as a cloud redirector makes it. */
export function offer(sessionId: string, changes: Partial<OfferedSession> = {}): OfferedSession {
  return {
    sessionId,
    target: "rdp",
    operator: "alice",
    operatorRole: "operator",
    reason: "",
    ticket: "",
    sourceAddress: "192.0.2.1:5000",
    operatorKeyFingerprint: "aa".repeat(32),
    answerWithinMs: 60_000,
    ...changes,
  };
}

import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { certificateFacts, certificateFromPem, verifyIssued } from "@drawbridge/control/identity";
import { DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";
import { isOverdue, validityText } from "./validity.ts";

/** Judges the certificate that this machine was given when it enrolled. */
export function certificateStep(identity: EnrolledIdentity, now: () => number): Step<undefined, void> {
  return {
    id: "certificate",
    title: "own certificate",
    timeoutMs: 1_000,
    async check() {
      const leaf = certificateFromPem(identity.certificate);
      const authorities = identity.certificateAuthorities.map(certificateFromPem);
      try {
        verifyIssued(leaf, authorities, { usage: "client", now: now() });
      } catch (error) {
        const { code, message } = toDrawbridgeError(error);
        const clock = `This machine's clock says ${new Date(now()).toISOString()}. If that is right, ask`;
        const remedy = `${clock} the provider for a new invite code and enrol with --replace.`;
        throw new DrawbridgeError(code, message, { remedy, cause: error });
      }
      const facts = certificateFacts(leaf);
      const text = validityText(facts, now());
      const details = { certificateExpires: new Date(facts.notAfter).toISOString() };
      if (!isOverdue(facts, now())) return { outcome: "ok", text, details, value: undefined };
      const remedy = "It renews itself while this machine reaches the provider: let it, before it expires.";
      return { outcome: "warning", text, remedy, details, value: undefined };
    },
  };
}

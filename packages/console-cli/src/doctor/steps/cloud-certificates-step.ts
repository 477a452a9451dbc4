import { readServerValidity } from "@drawbridge/control/cloud";
import { certificateFacts } from "@drawbridge/control/identity";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";
import type { ReadableCloudHome } from "./cloud-home-step.ts";
import { isOverdue, validityText, type Validity } from "./validity.ts";

const CA_REMEDY = "Begin to change the CA: see docs/SECURITY.md, A new CA.";
const SERVER_REMEDY = "`drawbridge cloud run` makes a new one when it starts, and once a day: see its log.";

/** Judges the CA's own certificate. */
export const authorityStep = (now: () => number): Step<ReadableCloudHome, void> => ({
  id: "ca",
  title: "CA",
  timeoutMs: 1_000,
  async check({ authority }) {
    return judged("the CA's certificate", certificateFacts(authority.certificateDer), now(), CA_REMEDY);
  },
});

/** Judges the server's certificate in the home; the one that it shows is looked at where it is dialled. */
export const serverCertificateStep = (now: () => number): Step<ReadableCloudHome, void> => ({
  id: "certificate",
  title: "server's certificate",
  timeoutMs: 1_000,
  async check({ path }) {
    return judged("the server's certificate", await readServerValidity(path), now(), SERVER_REMEDY);
  },
});

function judged(what: string, validity: Validity, now: number, remedy: string) {
  const text = validityText(validity, now);
  if (now < validity.notBefore || now > validity.notAfter) {
    const clock = "Check this machine's clock first.";
    throw new DrawbridgeError("certificate-invalid", `${what} is not good now: ${text}`, {
      remedy: `${clock} ${remedy}`,
    });
  }
  const details = { certificateExpires: new Date(validity.notAfter).toISOString() };
  if (!isOverdue(validity, now)) return { outcome: "ok", text, details, value: undefined } as const;
  return { outcome: "warning", text, remedy, details, value: undefined } as const;
}

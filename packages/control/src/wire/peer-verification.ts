import { DrawbridgeError } from "@drawbridge/dataplane";
import type { PrincipalKind } from "../identity/index.ts";
import { certificateKeyFingerprint, principalOfCertificate } from "../identity/index.ts";

/** Who has to be at the other end of a leg. */
export interface ExpectedPeer {
  kind: PrincipalKind;
  name: string;
  provider: string;
  /** SHA-256 of the public key, hexadecimal. */
  keyFingerprint: string;
}

/**
 * Makes the check of the other end's certificate in end-to-end TLS, which has verified its chain already: the principal
 * has to be the expected one, with the expected key.
 *
 * Errors of the check: `certificate-invalid`.
 */
export function expectPeer(expected: ExpectedPeer): (leafCertificate: Buffer) => void {
  return (leafCertificate) => {
    const { kind, name, provider } = principalOfCertificate(leafCertificate);
    if (kind !== expected.kind || name !== expected.name || provider !== expected.provider) {
      throw wrongPeer(expected, `the other end is ${kind} ${name}`);
    }
    if (certificateKeyFingerprint(leafCertificate) !== expected.keyFingerprint) {
      throw wrongPeer(expected, "the other end has another key");
    }
  };
}

function wrongPeer({ kind, name }: ExpectedPeer, what: string): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `the link was to lead to ${kind} ${name}, but ${what}`, {
    remedy: "Somebody may be in between: check with the provider before you try again.",
  });
}

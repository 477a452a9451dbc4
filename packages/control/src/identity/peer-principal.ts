import { DrawbridgeError } from "@drawbridge/dataplane";
import { parsePrincipalUri, type Principal } from "./principal.ts";
import { type AlternativeName, subjectAlternativeNames } from "./subject-alternative-names.ts";

/**
 * The principal that a peer's certificate names by its one URI SAN.
 *
 * INVARIANT: this is the only place where a principal comes from. The caller passes the leaf that TLS (or
 * `verifyIssued`) has verified, never another certificate of the chain; nothing is verified here.
 * @throws DrawbridgeError `certificate-invalid` for any other set of names: none, several, or of another kind.
 */
export function principalOfCertificate(der: Uint8Array): Principal {
  const names = namesOf(der);
  const [only] = names;
  if (only === undefined || names.length !== 1) {
    throw invalid(`has ${names.length} subject alternative names, not one`);
  }
  if (only.kind !== "url") throw invalid(`has a subject alternative name of the kind ${only.kind}, not a URI`);
  return parsePrincipalUri(only.uri);
}

function namesOf(der: Uint8Array): readonly AlternativeName[] {
  try {
    return subjectAlternativeNames(der);
  } catch (cause) {
    throw invalid("cannot be read", cause);
  }
}

function invalid(what: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `the peer's certificate ${what}`, {
    remedy: "Enrol again with an invite code of the provider.",
    cause,
  });
}

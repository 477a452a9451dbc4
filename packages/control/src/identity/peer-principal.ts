import { DrawbridgeError } from "@drawbridge/dataplane";
import { parsePrincipalUri, type Principal } from "./principal.ts";
import { SubjectAlternativeNameExtension, X509Certificate } from "./x509.ts";

// RFC 5280, 4.2.1.6.
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

/**
 * The principal that a peer's certificate names by its one URI SAN.
 *
 * INVARIANT: this is the only place where a principal comes from. The caller passes the leaf that TLS (or
 * `verifyIssued`) has verified, never another certificate of the chain; nothing is verified here.
 * @throws DrawbridgeError `certificate-invalid` for any other set of names: none, several, or of another kind.
 */
export function principalOfCertificate(der: Uint8Array): Principal {
  const names = subjectAlternativeNames(der);
  const [only] = names;
  if (only === undefined || names.length !== 1) {
    throw invalid(`has ${names.length} subject alternative names, not one`);
  }
  if (only.type !== "url") throw invalid(`has a subject alternative name of the kind ${only.type}, not a URI`);
  return parsePrincipalUri(only.value);
}

// Not node:crypto's subjectAltName: it joins the names to one text, and telling them apart again has been got wrong
// before (CVE-2021-44532, CVE-2021-44533).
function subjectAlternativeNames(der: Uint8Array): readonly { readonly type: string; readonly value: string }[] {
  try {
    const extensions = new X509Certificate(Buffer.from(der)).extensions;
    return extensions
      .filter((extension) => extension.type === SUBJECT_ALTERNATIVE_NAME)
      .flatMap((extension) => new SubjectAlternativeNameExtension(extension.rawData).names.items);
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

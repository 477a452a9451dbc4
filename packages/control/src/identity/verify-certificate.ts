import type { X509Certificate } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { parseCertificate } from "./certificate-facts.ts";

/** What the holder of a certificate is about to do with it. */
export type CertificateUsage = "client" | "server";

/** Against what {@link verifyIssued} checks. */
export interface VerifyIssuedOptions {
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly now?: number;
  readonly usage: CertificateUsage;
}

// RFC 5280, 4.2.1.12.
const USAGE_OIDS: Readonly<Record<CertificateUsage, string>> = {
  client: "1.3.6.1.5.5.7.3.2",
  server: "1.3.6.1.5.5.7.3.1",
};

/**
 * Checks, outside of TLS, that a leaf was signed by one of the CAs and is good now for this usage. Revocation is the
 * store's matter, names are `principalOfCertificate`'s.
 * @throws DrawbridgeError `certificate-invalid`.
 */
export function verifyIssued(leafDer: Uint8Array, caDers: readonly Uint8Array[], options: VerifyIssuedOptions): void {
  const now = options.now ?? Date.now();
  const leaf = parseCertificate(leafDer);
  const issuer = caDers.map(parseCertificate).find((ca) => isIssuer(ca, leaf));
  if (issuer === undefined) throw invalid("was not issued by a CA that is trusted here");
  refuseOutsideValidity("the CA's certificate", issuer, now);
  refuseOutsideValidity("the certificate", leaf, now);
  if (leaf.ca) throw invalid("is a CA's own");
  const usages = extendedKeyUsages(leaf);
  if (!usages.includes(USAGE_OIDS[options.usage])) throw invalid(`is not for TLS ${options.usage}s`);
}

function extendedKeyUsages(certificate: X509Certificate): readonly string[] {
  // node:crypto calls them `keyUsage`. Its type says that they are always there; without the extension they are not.
  const usages: unknown = certificate.keyUsage;
  return Array.isArray(usages) ? usages.map(String) : [];
}

function isIssuer(ca: X509Certificate, leaf: X509Certificate): boolean {
  return ca.ca && leaf.checkIssued(ca) && leaf.verify(ca.publicKey);
}

function refuseOutsideValidity(what: string, certificate: X509Certificate, now: number): void {
  const { validFromDate, validToDate } = certificate;
  if (now < validFromDate.getTime()) {
    throw new DrawbridgeError("certificate-invalid", `${what} is good only from ${validFromDate.toISOString()}`, {
      remedy: "Check the clocks of both machines.",
    });
  }
  if (now > validToDate.getTime()) {
    throw new DrawbridgeError("certificate-invalid", `${what} expired at ${validToDate.toISOString()}`, {
      remedy: "Check this machine's clock; enrol again with a new invite code.",
    });
  }
}

function invalid(what: string): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `the certificate ${what}`);
}

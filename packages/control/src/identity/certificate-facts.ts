import { X509Certificate } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { certificateFingerprint, fingerprintHex, keyFingerprint } from "./key-fingerprint.ts";

/** What a certificate says about itself, without any check that it may be believed. */
export interface CertificateFacts {
  /** Lower-case hex, without a sign. */
  readonly serial: string;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  /** Milliseconds since the Unix epoch. */
  readonly notAfter: number;
  /** SHA-256 of the DER SubjectPublicKeyInfo, lower-case hex. */
  readonly keyFingerprint: string;
  /** SHA-256 of the whole certificate, lower-case hex. */
  readonly certificateFingerprint: string;
}

/**
 * Reads a certificate in DER.
 * @throws DrawbridgeError `certificate-invalid`, also where bytes follow the certificate.
 */
export function parseCertificate(der: Uint8Array): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch (cause) {
    throw new DrawbridgeError("certificate-invalid", "the certificate cannot be read", { cause });
  }
  if (!certificate.raw.equals(der)) {
    throw new DrawbridgeError("certificate-invalid", "the certificate is not in DER, or something follows it");
  }
  return certificate;
}

/** @throws DrawbridgeError `certificate-invalid`. */
export function certificateFacts(der: Uint8Array): CertificateFacts {
  const certificate = parseCertificate(der);
  return {
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    keyFingerprint: fingerprintHex(keyFingerprint(certificate.publicKey)),
    certificateFingerprint: fingerprintHex(certificateFingerprint(der)),
  };
}

/** A certificate in PEM (RFC 7468), for files and for TLS. */
export function certificateToPem(der: Uint8Array): string {
  return parseCertificate(der).toString();
}

/**
 * The first certificate of a PEM text, in DER.
 * @throws DrawbridgeError `certificate-invalid`.
 */
export function certificateFromPem(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch (cause) {
    throw new DrawbridgeError("certificate-invalid", "the certificate cannot be read", { cause });
  }
}

/**
 * Each certificate of a PEM text on its own, in PEM.
 * @throws DrawbridgeError `certificate-invalid`.
 */
export function splitPem(text: string): string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((pem) => certificateToPem(certificateFromPem(pem)));
}

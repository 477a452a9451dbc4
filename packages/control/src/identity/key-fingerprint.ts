import { createHash, type KeyObject } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { certificateParts, expected, SEQUENCE } from "./der-reader.ts";
import { exportSpki } from "./key-pair.ts";

/** The SHA-256 fingerprint of a public key, taken of its DER SubjectPublicKeyInfo: 32 bytes. */
export function keyFingerprint(publicKey: KeyObject): Buffer {
  return createHash("sha256").update(exportSpki(publicKey)).digest();
}

/** RFC 5280, 4.1: version, serial number, signature, issuer, validity, subject, and then the key. */
const PARTS_BEFORE_KEY = 6;

/**
 * The fingerprint of the key in a certificate (DER), as {@link fingerprintHex} has it.
 *
 * Taken of the bytes as they stand: to have node:crypto read the key and write it again takes a millisecond, on every
 * connection and link. Our CA signs keys in one form only (`importSpkiP256`), so that it is the same; a key in another form
 * has another fingerprint, and is nobody's.
 *
 * @throws DrawbridgeError `certificate-invalid`.
 */
export function certificateKeyFingerprint(der: Uint8Array): string {
  try {
    const key = certificateParts(der)[PARTS_BEFORE_KEY];
    expected(key, SEQUENCE);
    return createHash("sha256")
      .update(key?.encoding ?? "")
      .digest("hex");
  } catch (cause) {
    throw new DrawbridgeError("certificate-invalid", "the certificate cannot be read", { cause });
  }
}

/** The SHA-256 fingerprint of a whole certificate in DER: 32 bytes. Invite codes carry the CA's. */
export function certificateFingerprint(der: Uint8Array): Buffer {
  return createHash("sha256").update(der).digest();
}

/**
 * A fingerprint for people, as ssh-keygen prints them: `SHA256:` and base64 without padding.
 * Two people compare it over the telephone.
 */
export function formatFingerprint(fingerprint: Uint8Array): string {
  return `SHA256:${Buffer.from(fingerprint).toString("base64").replace(/=+$/, "")}`;
}

/** A fingerprint for programs and the store: 64 lower-case hex digits. */
export function fingerprintHex(fingerprint: Uint8Array): string {
  return Buffer.from(fingerprint).toString("hex");
}

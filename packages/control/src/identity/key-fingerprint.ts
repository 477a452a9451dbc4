import { createHash, type KeyObject } from "node:crypto";
import { exportSpki } from "./key-pair.ts";

/** The SHA-256 fingerprint of a public key, taken of its DER SubjectPublicKeyInfo: 32 bytes. */
export function keyFingerprint(publicKey: KeyObject): Buffer {
  return createHash("sha256").update(exportSpki(publicKey)).digest();
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

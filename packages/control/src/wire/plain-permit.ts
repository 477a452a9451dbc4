import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { exportSpki, fingerprintHex, importSpkiP256, keyFingerprint } from "../identity/index.ts";

/** A tenant's word that the links of one session may go plain: `PlainPermit` of the contract. */
export interface PlainPermit {
  /** The tenant's public key, DER SubjectPublicKeyInfo. */
  publicKey: Uint8Array;
  /** ECDSA with SHA-256, DER. */
  signature: Uint8Array;
}

/** What a permit is about. One for other terms is worth nothing. */
export interface PlainTerms {
  /** The session's own, {@link PLAIN_NONCE_BYTES} random bytes by the remote redirector. */
  nonce: Uint8Array;
  /** SHA-256 of the operator's public key, hexadecimal. */
  operatorKeyFingerprint: string;
  /** The target's name. */
  target: string;
}

/** The length of a nonce. Any other asks for nothing. */
export const PLAIN_NONCE_BYTES = 32;

const CONTEXT = "drawbridge plain links v1\0";

/** Permits plain links in the session with these terms. @param privateKey the tenant's, PEM. */
export function signPlainPermit(privateKey: string, terms: PlainTerms): PlainPermit {
  const key = createPrivateKey(privateKey);
  return { publicKey: exportSpki(createPublicKey(key)), signature: sign("sha256", signedText(terms), key) };
}

/**
 * Checks a permit.
 *
 * Errors: `certificate-invalid` where it is not the tenant's, or not for these terms.
 *
 * @param tenantKeyFingerprint the tenant's key as it is pinned: SHA-256, hexadecimal.
 */
export function verifyPlainPermit(permit: PlainPermit, terms: PlainTerms, tenantKeyFingerprint: string): void {
  const publicKey = importSpkiP256(permit.publicKey);
  if (fingerprintHex(keyFingerprint(publicKey)) !== tenantKeyFingerprint) throw wrongPermit("it is of another key");
  if (!verify("sha256", signedText(terms), publicKey, permit.signature)) throw wrongPermit("it is for another session");
}

/** What is said where a permit came that nobody asked for. */
export function unaskedPermit(): DrawbridgeError {
  return wrongPermit("nobody asked for it");
}

function signedText({ nonce, operatorKeyFingerprint, target }: PlainTerms): Buffer {
  // All parts but the last have a fixed length, so that no two terms have one text.
  if (nonce.length !== PLAIN_NONCE_BYTES) throw wrongPermit("its nonce has a wrong length");
  const operatorKey = Buffer.from(operatorKeyFingerprint, "hex");
  if (operatorKey.length !== 32) throw wrongPermit("the operator's key is not known");
  return Buffer.concat([Buffer.from(CONTEXT), nonce, operatorKey, Buffer.from(target)]);
}

function wrongPermit(why: string): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `the permit for plain links is not the tenant's: ${why}`, {
    remedy: "Somebody may be in between, and nothing was sent: check with the provider before you try again.",
  });
}

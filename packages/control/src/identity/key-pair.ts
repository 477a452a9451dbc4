import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { DrawbridgeError } from "@drawbridge/dataplane";

/** An ECDSA key on P-256, held as node:crypto's opaque objects so that printing one shows nothing secret. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const generate = promisify(generateKeyPair);

// OpenSSL's name of P-256 (secp256r1).
const P256 = "prime256v1";
// The DER SubjectPublicKeyInfo of a P-256 key with its point uncompressed: RFC 5480 section 2.
const P256_SPKI_BYTES = 91;

/** A new key. */
export async function generateKeyPairP256(): Promise<KeyPair> {
  return generate("ec", { namedCurve: P256 });
}

/** The private key as PKCS #8 in PEM, without a passphrase: only for {@link writePrivateFile} and TLS. */
export function exportPrivateKeyPem(keyPair: KeyPair): string {
  return keyPair.privateKey.export({ type: "pkcs8", format: "pem" });
}

/**
 * The key of a PKCS #8 PEM text.
 * @param source where the text came from, for the error's text.
 * @throws DrawbridgeError `home-invalid` where it holds no private key, or not one on P-256.
 */
export function importPrivateKeyPem(pem: string, source = "the private key"): KeyPair {
  const privateKey = parsePrivateKey(pem, source);
  if (!isP256(privateKey)) {
    throw new DrawbridgeError("home-invalid", `${source} is not an ECDSA key on P-256`, { remedy: ENROL_AGAIN });
  }
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const ENROL_AGAIN = "Restore the file from a backup, or enrol again with a new invite code.";

function parsePrivateKey(pem: string, source: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: "pem" });
  } catch (cause) {
    throw new DrawbridgeError("home-invalid", `${source} holds no readable private key`, {
      remedy: ENROL_AGAIN,
      cause,
    });
  }
}

/** Whether the key is an ECDSA key on P-256. */
export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === P256;
}

/** The public key as DER SubjectPublicKeyInfo (RFC 5480), the form that fingerprints are taken of. */
export function exportSpki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

/**
 * A P-256 public key from its DER SubjectPublicKeyInfo. Only the canonical form is accepted, with the point
 * uncompressed, so that one key has exactly one fingerprint.
 * @throws DrawbridgeError `certificate-invalid`.
 */
export function importSpkiP256(der: Uint8Array): KeyObject {
  const publicKey = parseSpki(der);
  if (!isP256(publicKey)) {
    throw new DrawbridgeError("certificate-invalid", "the public key is not an ECDSA key on P-256");
  }
  if (der.length !== P256_SPKI_BYTES || !exportSpki(publicKey).equals(der)) {
    throw new DrawbridgeError(
      "certificate-invalid",
      "the public key is not encoded in DER with its point uncompressed",
    );
  }
  return publicKey;
}

function parseSpki(der: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  } catch (cause) {
    throw new DrawbridgeError("certificate-invalid", "the public key cannot be read", { cause });
  }
}

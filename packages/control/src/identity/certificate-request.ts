import type { KeyObject } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { importSpkiP256, type KeyPair } from "./key-pair.ts";
import {
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SIGNING_ALGORITHM,
  toCryptoKeyPair,
} from "./x509.ts";

/** The largest certificate request that is looked at, in bytes; as in the contract. */
export const MAX_CERTIFICATE_REQUEST_BYTES = 4096;

/**
 * A PKCS #10 request (RFC 2986) in DER for this key, signed by it. It names nobody: the cloud redirector takes the name
 * from the invite or from the certificate that is renewed.
 */
export async function createCertificateRequest(keyPair: KeyPair): Promise<Buffer> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    signingAlgorithm: SIGNING_ALGORITHM,
    keys: toCryptoKeyPair(keyPair),
  });
  return Buffer.from(request.rawData);
}

/**
 * The public key of a request, once its signature has shown that the sender holds the private one. Names, extensions
 * and attributes of the request are not looked at.
 * @throws DrawbridgeError `certificate-invalid` for one that cannot be read, is not for P-256, or was tampered with.
 */
export async function publicKeyOfRequest(der: Uint8Array): Promise<KeyObject> {
  if (der.length > MAX_CERTIFICATE_REQUEST_BYTES) {
    throw invalid(`has ${der.length} bytes, more than ${MAX_CERTIFICATE_REQUEST_BYTES}`);
  }
  const { request, spki } = parse(der);
  const publicKey = importSpkiP256(spki);
  if (!(await signedByItsKey(request))) throw invalid("is not signed by its own key");
  return publicKey;
}

function parse(der: Uint8Array): { request: Pkcs10CertificateRequest; spki: Uint8Array } {
  try {
    const request = new Pkcs10CertificateRequest(Buffer.from(der));
    return { request, spki: new Uint8Array(request.publicKey.rawData) };
  } catch (cause) {
    throw invalid("cannot be read", cause);
  }
}

async function signedByItsKey(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    // An algorithm or a signature that it cannot even try.
    return false;
  }
}

function invalid(what: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", `the certificate request ${what}`, {
    remedy: "Enrol again with an up-to-date client.",
    cause,
  });
}

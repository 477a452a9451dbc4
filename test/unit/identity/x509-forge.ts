// Certificates and requests that Drawbridge itself would never make.
import "reflect-metadata";
import type { KeyObject } from "node:crypto";
import { generateKeyPairP256, type KeyPair } from "@drawbridge/control/identity";
import * as x509 from "@peculiar/x509";

const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A PKCS #10 request on any curve, with the names and extensions that are asked for. */
export async function foreignRequest(
  keys: Keys,
  namedCurve: "P-256" | "P-384" | "P-521",
  wishes: { readonly name?: string; readonly extensions?: x509.Extension[] } = {},
): Promise<Buffer> {
  const algorithm = { name: "ECDSA", namedCurve, hash: "SHA-256" };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    ...wishes,
    signingAlgorithm: algorithm,
    keys: {
      publicKey: keys.publicKey.toCryptoKey(algorithm, true, ["verify"]),
      privateKey: keys.privateKey.toCryptoKey(algorithm, true, ["sign"]),
    },
  });
  return Buffer.from(request.rawData);
}

/** A certificate in DER with these extensions, signed by `issuer` or, without one, by its own key. */
export async function forgedCertificate(
  extensions: x509.Extension[],
  issuer?: { readonly name: string; readonly keyPair: KeyPair },
): Promise<Buffer> {
  const keyPair = await generateKeyPairP256();
  const signer = issuer?.keyPair.privateKey ?? keyPair.privateKey;
  const certificate = await x509.X509CertificateGenerator.create({
    notBefore: new Date(Date.now() - 60_000),
    subject: "CN=forged",
    issuer: `CN=${issuer?.name ?? "forged"}`,
    signingAlgorithm: P256,
    signingKey: signer.toCryptoKey(P256, true, ["sign"]),
    publicKey: keyPair.publicKey.toCryptoKey(P256, true, ["verify"]),
    extensions,
  });
  return Buffer.from(certificate.rawData);
}

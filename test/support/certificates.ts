import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { webcrypto } from "node:crypto";

/** A certificate with its key, as TLS wants them. */
export interface TestIdentity {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const hour = 3_600_000;

async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** A certificate authority that exists for one test. */
export class TestAuthority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  static async create(name = "test authority"): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      notBefore: new Date(Date.now() - hour),
      notAfter: new Date(Date.now() + hour),
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new TestAuthority(keys, certificate);
  }

  /** The authority's certificate, PEM. */
  get certificate(): string {
    return this.#certificate.toString("pem");
  }

  /** Issues a certificate for this URI, good for both ends of TLS, valid for an hour unless said otherwise. */
  issue(uri: string, notAfter = new Date(Date.now() + hour)): Promise<TestIdentity> {
    return this.#issue({ type: "url", value: uri }, notAfter);
  }

  /** Issues a server's certificate for a DNS name, valid for an hour. */
  issueServer(name: string): Promise<TestIdentity> {
    return this.#issue({ type: "dns", value: name }, new Date(Date.now() + hour));
  }

  async #issue(name: x509.JsonGeneralName, notAfter: Date): Promise<TestIdentity> {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: "CN=test",
      issuer: this.#certificate.subject,
      signingKey: this.#keys.privateKey,
      publicKey: keys.publicKey,
      notBefore: new Date(Date.now() - 2 * hour),
      notAfter,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.SubjectAlternativeNameExtension([name]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
      ],
    });
    return { key: await pemKey(keys.privateKey), certificate: certificate.toString("pem") };
  }
}

import { type KeyObject, randomBytes } from "node:crypto";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { parseCertificate } from "./certificate-facts.ts";
import { publicKeyOfRequest } from "./certificate-request.ts";
import { fingerprintHex, keyFingerprint } from "./key-fingerprint.ts";
import { exportSpki, generateKeyPairP256, type KeyPair } from "./key-pair.ts";
import { cloudUri, type Principal, principalUri, validateProviderName } from "./principal.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SIGNING_ALGORITHM,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  toCryptoKeyPair,
  X509CertificateGenerator,
} from "./x509.ts";

/**
 * The DNS name in the cloud redirector's certificate, whatever address it is reached at: clients check for this name,
 * since the provider's own CA vouches for it, and so addresses and gateways may change without a new certificate.
 */
export const CLOUD_SERVER_NAME = "cloud.drawbridge.internal";

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_LIFE_MS = 3650 * DAY_MS;
const SERVER_LIFE_MS = 365 * DAY_MS;
const PRINCIPAL_LIFE_MS = 90 * DAY_MS;
/** How long before their making certificates begin to be good, in milliseconds: so far may a peer's clock be behind. */
export const BACKDATE_MS = 5 * 60 * 1000;

/** When, and for how long, a certificate is to be good. */
export interface IssueOptions {
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly now?: number;
  /** Default: 90 days for principals, a year for the server, ten years for the CA. Never beyond the CA's own end. */
  readonly lifeMs?: number;
}

/** A certificate that was just made. */
export interface IssuedCertificate {
  readonly der: Buffer;
  /** Lower-case hex. */
  readonly serial: string;
  /** SHA-256 of the DER SubjectPublicKeyInfo, lower-case hex. */
  readonly keyFingerprint: string;
  /** Milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

/** The provider's CA: one P-256 key and its self-signed certificate. */
export class CertificateAuthority {
  readonly certificateDer: Buffer;
  readonly keyPair: KeyPair;
  /** The provider's name, from the certificate's CN. */
  readonly provider: string;
  readonly #notAfter: number;

  private constructor(certificateDer: Buffer, keyPair: KeyPair, provider: string, notAfter: number) {
    this.certificateDer = certificateDer;
    this.keyPair = keyPair;
    this.provider = provider;
    this.#notAfter = notAfter;
  }

  /**
   * A new CA for a provider, good for ten years.
   * @throws DrawbridgeError `invalid-argument` for a provider name that is none.
   */
  static async create(provider: string, options: IssueOptions = {}): Promise<CertificateAuthority> {
    validateProviderName(provider);
    const keyPair = await generateKeyPairP256();
    const validity = validityOf(options, CA_LIFE_MS, Infinity);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: randomSerial(),
      name: [{ CN: [provider] }],
      ...validity,
      signingAlgorithm: SIGNING_ALGORITHM,
      keys: toCryptoKeyPair(keyPair),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(new PublicKey(exportSpki(keyPair.publicKey))),
      ],
    });
    const der = Buffer.from(certificate.rawData);
    return new CertificateAuthority(der, keyPair, provider, validity.notAfter.getTime());
  }

  /**
   * The CA that {@link create} made, from its files.
   * @throws DrawbridgeError `home-invalid` where the two don't belong together or the certificate is not a CA's.
   */
  static load(certificateDer: Uint8Array, keyPair: KeyPair): CertificateAuthority {
    const certificate = parseCertificate(certificateDer);
    const provider = /^CN=(.+)$/.exec(certificate.subject)?.[1];
    if (!certificate.ca || provider === undefined) throw mismatch("the CA certificate is not one of a provider's CA");
    if (!certificate.checkPrivateKey(keyPair.privateKey))
      throw mismatch("the CA's certificate and key do not belong together");
    return new CertificateAuthority(certificate.raw, keyPair, provider, certificate.validToDate.getTime());
  }

  /**
   * The cloud redirector's certificate: for TLS servers only, named {@link CLOUD_SERVER_NAME} and
   * `drawbridge://PROVIDER/cloud`.
   */
  async issueServerCertificate(publicKey: KeyObject, options: IssueOptions = {}): Promise<IssuedCertificate> {
    return this.#issue(publicKey, {
      commonName: "cloud",
      names: [
        { type: "dns", value: CLOUD_SERVER_NAME },
        { type: "url", value: cloudUri(this.provider) },
      ],
      usages: [ExtendedKeyUsage.serverAuth],
      validity: validityOf(options, SERVER_LIFE_MS, this.#notAfter),
    });
  }

  /**
   * A tenant's or an operator's certificate, for the key of a PKCS #10 request in DER. It is for TLS clients and
   * servers, since end-to-end TLS uses it on either side. Whatever names or extensions the request asks for are
   * ignored.
   * @throws DrawbridgeError `certificate-invalid` for the request, `internal` for a principal of another provider.
   */
  async issuePrincipalCertificate(
    principal: Principal,
    request: Uint8Array,
    options: IssueOptions = {},
  ): Promise<IssuedCertificate> {
    if (principal.provider !== this.provider) {
      throw new DrawbridgeError("internal", `the CA of ${this.provider} cannot vouch for ${principalUri(principal)}`);
    }
    return this.#issue(await publicKeyOfRequest(request), {
      commonName: principal.name,
      names: [{ type: "url", value: principalUri(principal) }],
      usages: [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth],
      validity: validityOf(options, PRINCIPAL_LIFE_MS, this.#notAfter),
    });
  }

  async #issue(publicKey: KeyObject, leaf: Leaf): Promise<IssuedCertificate> {
    const serial = randomSerial();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial,
      subject: [{ CN: [leaf.commonName] }],
      issuer: [{ CN: [this.provider] }],
      ...leaf.validity,
      signingAlgorithm: SIGNING_ALGORITHM,
      signingKey: toCryptoKeyPair(this.keyPair).privateKey,
      publicKey: new PublicKey(exportSpki(publicKey)),
      extensions: await leafExtensions(leaf, publicKey, this.keyPair.publicKey),
    });
    return {
      der: Buffer.from(certificate.rawData),
      serial,
      keyFingerprint: fingerprintHex(keyFingerprint(publicKey)),
      notAfter: leaf.validity.notAfter.getTime(),
    };
  }
}

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface Leaf {
  readonly commonName: string;
  readonly names: JsonGeneralNames;
  readonly usages: ExtendedKeyUsage[];
  readonly validity: Validity;
}

async function leafExtensions(leaf: Leaf, publicKey: KeyObject, issuerKey: KeyObject): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension(leaf.usages),
    new SubjectAlternativeNameExtension(leaf.names),
    await SubjectKeyIdentifierExtension.create(new PublicKey(exportSpki(publicKey))),
    await AuthorityKeyIdentifierExtension.create(new PublicKey(exportSpki(issuerKey))),
  ];
}

/** Certificates hold whole seconds. */
function validityOf(options: IssueOptions, defaultLifeMs: number, latest: number): Validity {
  const now = Math.floor((options.now ?? Date.now()) / 1000) * 1000;
  const notAfter = Math.min(now + (options.lifeMs ?? defaultLifeMs), latest);
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(Math.floor(notAfter / 1000) * 1000) };
}

/**
 * 128 bits, all random but the first two, which make the number positive and always 16 bytes long (RFC 5280, 4.1.2.2).
 */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString("hex");
}

function mismatch(message: string): DrawbridgeError {
  return new DrawbridgeError("home-invalid", message, { remedy: "Restore the CA's files from a backup." });
}

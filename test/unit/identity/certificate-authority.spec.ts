import { X509Certificate } from "node:crypto";
import {
  CertificateAuthority,
  certificateFacts,
  certificateFromPem,
  certificateToPem,
  CLOUD_SERVER_NAME,
  createCertificateRequest,
  exportPrivateKeyPem,
  exportSpki,
  generateKeyPairP256,
  importPrivateKeyPem,
  type KeyPair,
  type Principal,
  principalOfCertificate,
} from "@drawbridge/control/identity";
import * as x509 from "@peculiar/x509";
import { expect } from "chai";
import { thrown } from "./thrown.ts";
import { foreignRequest } from "./x509-forge.ts";

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY = 86_400_000;
const ACME: Principal = { kind: "tenant", name: "acme", provider: "example" };

describe("certificate authority", () => {
  let authority: CertificateAuthority;
  let keyPair: KeyPair;

  before(async () => {
    authority = await CertificateAuthority.create("example", { now: NOW });
    keyPair = await generateKeyPairP256();
  });

  const issue = async (principal: Principal): Promise<X509Certificate> => {
    const request = await createCertificateRequest(keyPair);
    return new X509Certificate((await authority.issuePrincipalCertificate(principal, request, { now: NOW })).der);
  };

  it("has a self-signed certificate for ten years, named after the provider, that can only sign leaves", () => {
    const certificate = new X509Certificate(authority.certificateDer);
    expect(certificate.subject).to.equal("CN=example");
    expect(certificate.verify(authority.keyPair.publicKey)).to.equal(true);
    expect(certificate.ca).to.equal(true);
    expect(certificate.validToDate.getTime()).to.equal(NOW + 3650 * DAY);
    const parsed = new x509.X509Certificate(authority.certificateDer);
    expect(parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength).to.equal(0);
    const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages;
    expect(usages).to.equal(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign);
  });

  it("comes back from its files", () => {
    const pem = certificateToPem(authority.certificateDer);
    const key = importPrivateKeyPem(exportPrivateKeyPem(authority.keyPair));
    expect(CertificateAuthority.load(certificateFromPem(pem), key).provider).to.equal("example");
  });

  it("refuses files that do not belong together", async () => {
    const foreign = await thrown(() => CertificateAuthority.load(authority.certificateDer, keyPair));
    expect(foreign.code).to.equal("home-invalid");
    const leaf = await issue(ACME);
    expect((await thrown(() => CertificateAuthority.load(leaf.raw, keyPair))).code).to.equal("home-invalid");
  });

  it("names the server for TLS servers only, for a year", async () => {
    const { der } = await authority.issueServerCertificate(keyPair.publicKey, { now: NOW });
    const certificate = new X509Certificate(der);
    expect(certificate.subjectAltName).to.equal(`DNS:${CLOUD_SERVER_NAME}, URI:drawbridge://example/cloud`);
    expect(certificate.keyUsage).to.deep.equal(["1.3.6.1.5.5.7.3.1"]);
    expect(certificate.validToDate.getTime()).to.equal(NOW + 365 * DAY);
    expect((await thrown(() => principalOfCertificate(der))).code).to.equal("certificate-invalid");
  });

  it("names a principal by one URI, for TLS clients and servers, for 90 days from five minutes ago", async () => {
    const certificate = await issue(ACME);
    expect(certificate.subjectAltName).to.equal("URI:drawbridge://example/tenant/acme");
    expect(certificate.keyUsage).to.have.members(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(certificate.ca).to.equal(false);
    expect(certificate.validFromDate.getTime()).to.equal(NOW - 300_000);
    expect(certificate.validToDate.getTime()).to.equal(NOW + 90 * DAY);
    const usages = new x509.X509Certificate(certificate.raw).getExtension(x509.KeyUsagesExtension)?.usages;
    expect(usages).to.equal(x509.KeyUsageFlags.digitalSignature);
    expect(principalOfCertificate(certificate.raw)).to.deep.equal(ACME);
  });

  it("reports of a certificate what stands in it", async () => {
    const request = await createCertificateRequest(keyPair);
    const issued = await authority.issuePrincipalCertificate(ACME, request, { now: NOW });
    const { serial, keyFingerprint, notAfter } = certificateFacts(issued.der);
    expect({ serial, keyFingerprint, notAfter }).to.deep.equal({
      serial: issued.serial,
      keyFingerprint: issued.keyFingerprint,
      notAfter: issued.notAfter,
    });
  });

  it("gives every certificate a serial number of its own, positive and 16 bytes long", async () => {
    const serials = new Set<string>();
    for (let round = 0; round < 20; round += 1) serials.add((await issue(ACME)).serialNumber);
    expect(serials.size).to.equal(20);
    for (const serial of serials) expect(serial).to.match(/^[4-7][0-9A-F]{31}$/);
  });

  it("ignores every name, right and life that a request asks for", async () => {
    const request = await foreignRequest(keyPair, "P-256", {
      name: "CN=root, O=example",
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "url", value: "drawbridge://example/operator/root" },
          { type: "dns", value: CLOUD_SERVER_NAME },
        ]),
        new x509.BasicConstraintsExtension(true, 5, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    });
    const { der } = await authority.issuePrincipalCertificate(ACME, request, { now: NOW });
    const certificate = new X509Certificate(der);
    expect(certificate.subject).to.equal("CN=acme");
    expect(certificate.subjectAltName).to.equal("URI:drawbridge://example/tenant/acme");
    expect(certificate.ca).to.equal(false);
    expect(certificate.publicKey.equals(keyPair.publicKey)).to.equal(true);
    expect(exportSpki(certificate.publicKey).equals(exportSpki(keyPair.publicKey))).to.equal(true);
  });

  it("vouches for nobody beyond its own end", async () => {
    const brief = await CertificateAuthority.create("example", { now: NOW, lifeMs: DAY });
    const { notAfter } = await brief.issueServerCertificate(keyPair.publicKey, { now: NOW });
    expect(notAfter).to.equal(NOW + DAY);
  });

  it("vouches for nobody of another provider", async () => {
    const stranger: Principal = { ...ACME, provider: "other" };
    expect((await thrown(() => issue(stranger))).code).to.equal("internal");
  });

  it("is not made for a provider without a proper name", async () => {
    expect((await thrown(() => CertificateAuthority.create("Example"))).remedy).to.equal('Use "example".');
  });
});

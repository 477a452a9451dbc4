import { X509Certificate } from "node:crypto";
import {
  CertificateAuthority,
  certificateKeyFingerprint,
  createCertificateRequest,
  fingerprintHex,
  generateKeyPairP256,
  keyFingerprint,
} from "@drawbridge/control/identity";
import { expect } from "chai";
import { thrown } from "./thrown.ts";

describe("the fingerprint of a certificate's key", () => {
  let der: Buffer;
  before(async () => {
    const authority = await CertificateAuthority.create("example");
    const request = await createCertificateRequest(await generateKeyPairP256());
    const acme = { kind: "tenant", name: "acme", provider: "example" } as const;
    ({ der } = await authority.issuePrincipalCertificate(acme, request));
  });

  it("is that of the key as node:crypto reads it, for the CA's own certificate too", async () => {
    const { certificateDer } = await CertificateAuthority.create("example");
    for (const certificate of [der, certificateDer]) {
      const { publicKey } = new X509Certificate(certificate);
      expect(certificateKeyFingerprint(certificate)).to.equal(fingerprintHex(keyFingerprint(publicKey)));
    }
  });

  it("is none when any byte of the certificate is cut off, or follows it", async () => {
    for (let length = 0; length < der.length; length += 1) {
      const error = await thrown(() => certificateKeyFingerprint(der.subarray(0, length)));
      expect(error.code, `${length} bytes`).to.equal("certificate-invalid");
    }
    const error = await thrown(() => certificateKeyFingerprint(Buffer.concat([der, Buffer.from([0])])));
    expect(error.code).to.equal("certificate-invalid");
  });
});

import {
  CertificateAuthority,
  createCertificateRequest,
  generateKeyPairP256,
  type IssuedCertificate,
  type Principal,
  verifyIssued,
} from "@drawbridge/control/identity";
import * as x509 from "@peculiar/x509";
import { expect } from "chai";
import { thrown } from "./thrown.ts";
import { forgedCertificate } from "./x509-forge.ts";

const NOW = Date.now();
const DAY = 86_400_000;
const ANN: Principal = { kind: "operator", name: "ann", provider: "example" };
const CLIENT = { now: NOW, usage: "client" } as const;

describe("verifyIssued", () => {
  let authority: CertificateAuthority;
  let other: CertificateAuthority;
  let leaf: IssuedCertificate;

  before(async () => {
    authority = await CertificateAuthority.create("example", { now: NOW });
    other = await CertificateAuthority.create("example", { now: NOW });
    const request = await createCertificateRequest(await generateKeyPairP256());
    leaf = await authority.issuePrincipalCertificate(ANN, request, { now: NOW });
  });

  const refusal = async (der: Uint8Array, cas: Uint8Array[], options: { now: number; usage: "client" | "server" }) => {
    const error = await thrown(() => verifyIssued(der, cas, options));
    expect(error.code).to.equal("certificate-invalid");
    return error.message;
  };

  it("accepts a leaf of any of the CAs, for either usage", () => {
    verifyIssued(leaf.der, [authority.certificateDer], CLIENT);
    verifyIssued(leaf.der, [other.certificateDer, authority.certificateDer], { now: NOW, usage: "server" });
  });

  it("refuses a leaf of another CA, also one of the same name", async () => {
    expect(await refusal(leaf.der, [other.certificateDer], CLIENT)).to.contain("not issued by a CA that is trusted");
    expect(await refusal(leaf.der, [], CLIENT)).to.contain("not issued by");
  });

  it("refuses a leaf before its time and after it, and says when it is good", async () => {
    const early = await refusal(leaf.der, [authority.certificateDer], { now: NOW - 400_000, usage: "client" });
    expect(early).to.contain("good only from");
    const late = await refusal(leaf.der, [authority.certificateDer], { now: NOW + 91 * DAY, usage: "client" });
    expect(late).to.contain("the certificate expired at");
  });

  it("refuses a leaf whose CA has expired", async () => {
    const message = await refusal(leaf.der, [authority.certificateDer], { now: NOW + 3651 * DAY, usage: "client" });
    expect(message).to.contain("the CA's certificate expired");
  });

  it("refuses a server's certificate as a client's", async () => {
    const { publicKey } = await generateKeyPairP256();
    const server = await authority.issueServerCertificate(publicKey, { now: NOW });
    verifyIssued(server.der, [authority.certificateDer], { now: NOW, usage: "server" });
    expect(await refusal(server.der, [authority.certificateDer], CLIENT)).to.contain("not for TLS clients");
  });

  it("refuses a leaf without a usage, and a CA as a leaf", async () => {
    const issuer = { name: "example", keyPair: authority.keyPair };
    const plain = await forgedCertificate([], issuer);
    expect(await refusal(plain, [authority.certificateDer], CLIENT)).to.contain("not for TLS clients");
    const ca = await forgedCertificate([new x509.BasicConstraintsExtension(true, 0, true)], issuer);
    expect(await refusal(ca, [authority.certificateDer], CLIENT)).to.contain("is a CA's own");
  });

  it("refuses a leaf that is signed by another leaf", async () => {
    const keyPair = await generateKeyPairP256();
    const request = await createCertificateRequest(keyPair);
    const signer = await authority.issuePrincipalCertificate(ANN, request, { now: NOW });
    const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);
    const grandchild = await forgedCertificate([usage], { name: "ann", keyPair });
    const message = await refusal(grandchild, [signer.der, authority.certificateDer], CLIENT);
    expect(message).to.contain("not issued by");
  });

  it("refuses a leaf with a byte changed, or followed by another", async () => {
    const changed = Buffer.from(leaf.der);
    changed[changed.length - 20]! ^= 1;
    expect(await refusal(changed, [authority.certificateDer], CLIENT)).to.not.equal("");
    const followed = Buffer.concat([leaf.der, Buffer.from([0])]);
    expect(await refusal(followed, [authority.certificateDer], CLIENT)).to.contain("something follows");
    expect(await refusal(Buffer.alloc(0), [authority.certificateDer], CLIENT)).to.contain("cannot be read");
  });
});

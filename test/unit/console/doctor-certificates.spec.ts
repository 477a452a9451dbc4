import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import {
  CertificateAuthority,
  certificateToPem,
  createCertificateRequest,
  type EnrolledIdentity,
  exportPrivateKeyPem,
  generateKeyPairP256,
  type IssueOptions,
} from "@drawbridge/control/identity";
import { dial } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { Finding } from "../../../packages/console-cli/src/doctor/step.ts";
import { certificateStep } from "../../../packages/console-cli/src/doctor/steps/certificate-step.ts";
import { tlsStep } from "../../../packages/console-cli/src/doctor/steps/tls-step.ts";
import { validityText } from "../../../packages/console-cli/src/doctor/steps/validity.ts";
import { thrown } from "../identity/thrown.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Never fires: mocha's own timeout ends a test that hangs. */
const { signal } = new AbortController();

const createAuthority = () => CertificateAuthority.create("example", { now: Date.now() - 300 * DAY_MS });

describe("the doctor's look at the own certificate", () => {
  let identity: EnrolledIdentity;
  const issuedAt = Date.now();
  before(async () => {
    const authority = await createAuthority();
    const keyPair = await generateKeyPairP256();
    const principal = { kind: "operator", name: "olga", provider: "example" } as const;
    const { der } = await authority.issuePrincipalCertificate(principal, await createCertificateRequest(keyPair), {
      now: issuedAt,
    });
    identity = {
      ...principal,
      addresses: [],
      privateKey: "",
      certificate: certificateToPem(der),
      certificateAuthorities: [certificateToPem(authority.certificateDer)],
      keyFingerprint: "",
    };
  });

  const looked = (days: number): Promise<Finding<void>> =>
    certificateStep(identity, () => issuedAt + days * DAY_MS).check(undefined, signal);

  it("is content with a fresh one, and warns of one that should have been renewed long ago", async () => {
    expect(await looked(1)).to.deep.include({ outcome: "ok" });
    expect(await looked(70)).to.deep.include({ outcome: "warning" });
  });

  it("tells one that has expired, or is not good yet, from the clock's point of view", async () => {
    const expired = await thrown(() => looked(91));
    expect(expired.code).to.equal("certificate-invalid");
    expect(expired.message).to.match(/expired at/);
    expect(expired.remedy).to.include(new Date(issuedAt + 91 * DAY_MS).toISOString());
    expect((await thrown(() => looked(-1))).message).to.match(/good only from/);
  });

  it("tells one of another CA", async () => {
    const other = await CertificateAuthority.create("example");
    identity = { ...identity, certificateAuthorities: [certificateToPem(other.certificateDer)] };
    expect((await thrown(() => looked(1))).message).to.match(/not issued by a CA that is trusted here/);
  });
});

describe("the doctor's look at the server's certificate", () => {
  /** What the step says of a server with a certificate that was issued so. */
  async function looked(options: IssueOptions, now = Date.now()): Promise<Finding<void>> {
    const [authority, keyPair] = await Promise.all([createAuthority(), generateKeyPairP256()]);
    const { der } = await authority.issueServerCertificate(keyPair.publicKey, options);
    const pem = { key: exportPrivateKeyPem(keyPair), cert: certificateToPem(der) };
    const server = createServer({ ...pem, ALPNProtocols: ["h2"], minVersion: "TLSv1.3" });
    server.on("tlsClientError", () => {});
    server.listen({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    const socket = await dial({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
    try {
      const certificateAuthorities = [certificateToPem(authority.certificateDer)];
      const step = tlsStep({ provider: "example", certificateAuthorities, now: () => now }, undefined);
      return await step.check(socket, signal);
    } finally {
      socket.destroy();
      server.close();
      await once(server, "close");
    }
  }

  it("is content with a fresh one", async () => {
    const finding = await looked({});
    expect(finding.outcome).to.equal("ok");
    expect(finding.text).to.match(/^TLSv1\.3; certificate of example's CA for cloud\.drawbridge\.internal, good until/);
  });

  it("blames the clock first for one that is not good now, and says what it shows", async () => {
    const now = Date.now() - 2 * DAY_MS;
    const early = await thrown(() => looked({}, now));
    expect(early.message).to.match(/^the server's certificate is not good now: good only from/);
    expect(early.remedy).to.include(new Date(now).toISOString());
    const late = await thrown(() => looked({ now: Date.now() - 20 * DAY_MS, lifeMs: DAY_MS }));
    expect(late.message).to.match(/^the server's certificate is not good now: expired at/);
  });

  it("warns of one that was not renewed", async () => {
    const finding = await looked({ now: Date.now() - 300 * DAY_MS });
    expect(finding.outcome).to.equal("warning");
    expect(finding.remedy).to.match(/drawbridge cloud run/);
  });
});

describe("the words for how long a certificate is good", () => {
  it("count the days", () => {
    const now = Date.UTC(2026, 10, 22, 12);
    const text = (days: number): string => validityText({ notBefore: 0, notAfter: now + days * DAY_MS }, now);
    expect(text(90)).to.equal("good until 2027-02-20 (90 days left)");
    expect(text(1)).to.equal("good until 2026-11-23 (1 day left)");
    expect(text(0.5)).to.equal("good until 2026-11-23 (less than a day left)");
    expect(text(-1)).to.equal("expired at 2026-11-21T12:00:00.000Z");
  });
});

import { principalOfCertificate } from "@drawbridge/control/identity";
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import { expect } from "chai";
import * as fc from "fast-check";
import { subjectAlternativeNames } from "../../../packages/control/src/identity/subject-alternative-names.ts";
import { forgedCertificate } from "./x509-forge.ts";

const KINDS = { dns: "dns", email: "email", url: "url", ip: "ip", guid: "other" } as const;

/** What a general parser says. */
function elsewhere(der: Buffer): string[] {
  const names = new X509Certificate(Buffer.from(der)).getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.map(({ type, value }) => (type === "url" ? value : KINDS[type as keyof typeof KINDS]));
}

const here = (der: Buffer): string[] =>
  subjectAlternativeNames(der).map(({ kind, uri }) => (kind === "url" ? uri : kind));

describe("the names in a certificate", () => {
  it("are those that a general parser finds, of any length and kind", async () => {
    const name = fc.oneof(
      fc.record({ type: fc.constant("url" as const), value: fc.webUrl({ size: "medium" }) }),
      fc.record({ type: fc.constant("dns" as const), value: fc.domain() }),
      fc.record({ type: fc.constant("email" as const), value: fc.emailAddress() }),
      fc.record({ type: fc.constant("ip" as const), value: fc.ipV4() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 6 }), async (names) => {
        const ascii = names.filter(({ value }) => !/[^\x20-\x7e]/.test(value));
        fc.pre(ascii.length > 0);
        const der = await forgedCertificate([new SubjectAlternativeNameExtension(ascii)]);
        expect(here(der)).to.deep.equal(elsewhere(der));
      }),
      { numRuns: 60 },
    );
  });

  it("are no principal's when any byte of the certificate is cut off, or follows it", async () => {
    const url = "drawbridge://example/tenant/acme";
    const der = await forgedCertificate([new SubjectAlternativeNameExtension([{ type: "url", value: url }])]);
    expect(principalOfCertificate(der).name).to.equal("acme");
    for (let length = 0; length < der.length; length += 1) {
      expect(() => principalOfCertificate(der.subarray(0, length)), `${length} bytes`).to.throw(/cannot be read/);
    }
    expect(() => principalOfCertificate(Buffer.concat([der, Buffer.from([0])]))).to.throw(/cannot be read/);
  });

  it("are refused with an error of ours, and nothing else, whatever the bytes", async () => {
    const url = "drawbridge://example/tenant/acme";
    const der = await forgedCertificate([new SubjectAlternativeNameExtension([{ type: "url", value: url }])]);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(der);
        changed[at] = byte;
        try {
          principalOfCertificate(changed);
        } catch (error) {
          expect((error as { code?: string }).code).to.equal("certificate-invalid");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

import { principalOfCertificate } from "@drawbridge/control/identity";
import { type JsonGeneralNames, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { expect } from "chai";
import { thrown } from "./thrown.ts";
import { forgedCertificate } from "./x509-forge.ts";

const ACME = "drawbridge://example/tenant/acme";
const ROOT = "drawbridge://example/operator/root";

const named = (...names: JsonGeneralNames): Promise<Buffer> =>
  forgedCertificate([new SubjectAlternativeNameExtension(names)]);

describe("the principal of a certificate", () => {
  it("is the one that its only URI names", async () => {
    const der = await named({ type: "url", value: ACME });
    expect(principalOfCertificate(der)).to.deep.equal({ kind: "tenant", name: "acme", provider: "example" });
  });

  const refused: Readonly<Record<string, () => Promise<Buffer>>> = {
    "no names at all": () => forgedCertificate([]),
    "an empty list of names": () => named(),
    "two URIs": () => named({ type: "url", value: ACME }, { type: "url", value: ROOT }),
    "the same URI twice": () => named({ type: "url", value: ACME }, { type: "url", value: ACME }),
    "a DNS name beside the URI": () => named({ type: "url", value: ACME }, { type: "dns", value: "example" }),
    "a DNS name that looks like a URI": () => named({ type: "dns", value: ACME }),
    "a mail address that looks like a URI": () => named({ type: "email", value: ACME }),
    "two extensions with names": () =>
      forgedCertificate([
        new SubjectAlternativeNameExtension([{ type: "url", value: ACME }]),
        new SubjectAlternativeNameExtension([{ type: "url", value: ROOT }]),
      ]),
    // As text, these would read as two names: CVE-2021-44532.
    "a URI with a comma and a second URI inside": () => named({ type: "url", value: `${ACME}, URI:${ROOT}` }),
    "a URI with a quotation mark": () => named({ type: "url", value: `"${ACME}"` }),
    "a URI with a zero byte": () => named({ type: "url", value: `${ACME}\0.evil` }),
    "a URI of another scheme": () => named({ type: "url", value: "https://example/tenant/acme" }),
    "the cloud redirector's URI": () => named({ type: "url", value: "drawbridge://example/cloud" }),
    "bytes that are no certificate": () => Promise.resolve(Buffer.from("hello")),
  };
  for (const [what, make] of Object.entries(refused)) {
    it(`is nobody with ${what}`, async () => {
      const der = await make();
      expect((await thrown(() => principalOfCertificate(der))).code).to.equal("certificate-invalid");
    });
  }
});

import {
  parsePrincipalUri,
  type Principal,
  principalUri,
  validatePrincipalName,
  validateProviderName,
} from "@drawbridge/control/identity";
import { expect } from "chai";
import fc from "fast-check";
import { thrown } from "./thrown.ts";

const principals: fc.Arbitrary<Principal> = fc.record({
  kind: fc.constantFrom("tenant" as const, "operator" as const),
  name: fc.stringMatching(/^[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?$/),
  provider: fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/),
});

describe("principal", () => {
  it("reads back every principal from its URI", () => {
    fc.assert(
      fc.property(principals, (principal) => {
        expect(parsePrincipalUri(principalUri(principal))).to.deep.equal(principal);
      }),
    );
  });

  it("encodes what a URI cannot hold as it is", () => {
    const uri = principalUri({ kind: "operator", name: "ann@example", provider: "acme" });
    expect(uri).to.equal("drawbridge://acme/operator/ann%40example");
  });

  it("reads a changed URI as no principal, or as another one, never as the same", () => {
    fc.assert(
      fc.property(principals, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (principal, at, character) => {
        const uri = principalUri(principal);
        const index = at % uri.length;
        const changed = uri.slice(0, index) + character + uri.slice(index + 1);
        fc.pre(changed !== uri);
        let other: Principal | undefined;
        try {
          other = parsePrincipalUri(changed);
        } catch {
          return;
        }
        expect(other).to.not.deep.equal(principal);
        expect(principalUri(other)).to.equal(changed);
      }),
    );
  });

  for (const uri of [
    "",
    "drawbridge://acme/cloud",
    "drawbridge://acme/admin/ann",
    "DRAWBRIDGE://acme/tenant/ann",
    "drawbridge://ACME/tenant/ann",
    "drawbridge://acme/tenant/Ann",
    "drawbridge://acme/tenant/",
    "drawbridge:///tenant/ann",
    "drawbridge://acme/tenant/ann/",
    "drawbridge://acme/tenant/ann?x",
    "drawbridge://acme/tenant/ann#x",
    "drawbridge://acme/tenant/ann\n",
    "drawbridge://acme/tenant/a%6En",
    "drawbridge://acme/tenant/a%2fb",
    "drawbridge://acme/tenant/a%00b",
    "drawbridge://acme/tenant/a%",
    "drawbridge://acme:1/tenant/ann",
    "drawbridge://x@acme/tenant/ann",
    `drawbridge://acme/tenant/${"a".repeat(65)}`,
  ]) {
    it(`refuses the URI ${JSON.stringify(uri)}`, async () => {
      expect((await thrown(() => parsePrincipalUri(uri))).code).to.equal("certificate-invalid");
    });
  }

  it("proposes the name in lower case where only the case is wrong", async () => {
    const error = await thrown(() => validatePrincipalName("Acme-01"));
    expect(error.code).to.equal("invalid-argument");
    expect(error.message).to.equal('the name "Acme-01" has capital letters');
    expect(error.remedy).to.equal('Use "acme-01".');
  });

  for (const [name, problem] of [
    ["", "is empty"],
    ["a b", 'has the character " "'],
    ["Ab ü", 'has the character " "'],
    ["-acme", "does not begin and end with a letter or a digit"],
    ["acme.", "does not begin and end with a letter or a digit"],
    ["😀", 'has the character "😀"'],
    ["a".repeat(65), "has 65 characters, more than 64"],
  ] as const) {
    it(`says of the name ${JSON.stringify(name)} that it ${problem}`, async () => {
      expect((await thrown(() => validatePrincipalName(name))).message).to.contain(problem);
    });
  }

  it("lets principals but not providers have an @", async () => {
    validatePrincipalName("ann@example.org");
    validateProviderName("example.org");
    expect((await thrown(() => validateProviderName("ann@example"))).message).to.contain('the character "@"');
  });
});

import { inspect } from "node:util";
import { decodeInviteCode, encodeInviteCode, hashInviteSecret, InviteSecret } from "@drawbridge/control/identity";
import { expect } from "chai";
import fc from "fast-check";
import { thrown } from "./thrown.ts";

const contents = fc.record({
  addresses: fc.array(fc.stringMatching(/^[a-z0-9.-]{1,200}:[0-9]{1,5}$/), { minLength: 1, maxLength: 8 }),
  caFingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  secret: fc.uint8Array({ minLength: 16, maxLength: 16 }),
});
const codes = contents.map((content) => encodeInviteCode({ ...content, secret: new InviteSecret(content.secret) }));
const printable = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 });

// Made from the specification in proto/drawbridge/v1/enrollment.proto by other means than the code under test.
const GOLDEN = {
  addresses: ["desk.example:443"],
  caFingerprint: Buffer.alloc(32, 0x11),
  secret: Buffer.alloc(16, 0x22),
  code: "DBI1-ChBkZXNrLmV4YW1wbGU6NDQzEiARERERERERERERERERERERERERERERERERERERERERERoQIiIiIiIiIiIiIiIiIiIiIj5SBBE",
};

describe("invite code", () => {
  it("gives back what was put in", () => {
    fc.assert(
      fc.property(contents, (content) => {
        const secret = new InviteSecret(content.secret);
        const decoded = decodeInviteCode(encodeInviteCode({ ...content, secret }));
        expect(decoded.addresses).to.deep.equal(content.addresses);
        expect(decoded.caFingerprint.equals(content.caFingerprint)).to.equal(true);
        expect(decoded.secret.bytes().equals(content.secret)).to.equal(true);
      }),
    );
  });

  it("has the form that the contract specifies", () => {
    const { addresses, caFingerprint, secret } = GOLDEN;
    const code = encodeInviteCode({ addresses, caFingerprint, secret: new InviteSecret(secret) });
    expect(code).to.equal(GOLDEN.code);
  });

  it("is refused with any one character changed", () => {
    fc.assert(
      fc.property(codes, fc.nat(), printable, (code, at, character) => {
        const index = at % code.length;
        fc.pre(code[index] !== character);
        const changed = code.slice(0, index) + character + code.slice(index + 1);
        expect(() => decodeInviteCode(changed))
          .to.throw()
          .with.property("code", "invite-invalid");
      }),
    );
  });

  it("is refused with every other last character, although base64 would ignore some of its bits", () => {
    const code = encodeInviteCode({ ...GOLDEN, secret: new InviteSecret(GOLDEN.secret) });
    for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
      if (code.endsWith(character)) continue;
      expect(() => decodeInviteCode(code.slice(0, -1) + character)).to.throw();
    }
  });

  it("is refused when cut off anywhere, and says that it is cut off", () => {
    const code = encodeInviteCode({ ...GOLDEN, secret: new InviteSecret(GOLDEN.secret) });
    for (let length = 1; length < code.length; length += 1) {
      expect(() => decodeInviteCode(code.slice(0, length)), `${length} characters`).to.throw(/cut off/);
    }
  });

  it("may be wrapped into lines and have space around it", () => {
    fc.assert(
      fc.property(
        codes,
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom("\n", "\r\n", " ", "\t"),
        (code, width, gap) => {
          const wrapped = ` \n${code.match(new RegExp(`.{1,${width}}`, "g"))!.join(gap)}\r\n`;
          expect(decodeInviteCode(wrapped)).to.deep.equal(decodeInviteCode(code));
        },
      ),
    );
  });

  it("may stand in quotation marks or angle brackets, as it was copied", () => {
    const code = encodeInviteCode({ ...GOLDEN, secret: new InviteSecret(GOLDEN.secret) });
    for (const copied of [`'${code}'`, `"${code}"`, `“${code}”`, `<${code}>`, `\`${code}\``]) {
      expect(decodeInviteCode(copied)).to.deep.equal(decodeInviteCode(code));
    }
  });

  for (const [text, problem] of [
    ["", "there is no invite code"],
    ["hello", "this is not an invite code"],
    ["https://example.org/", "this is not an invite code"],
    ["dbi1-AAAA", "this is not an invite code"],
    ["DBI2-AAAA", "of a kind that this version does not know"],
    ["DBI1-AA+A", 'it cannot contain "+"'],
    ["DBI1-", "cut off"],
    ["x".repeat(5000), "too long"],
  ] as const) {
    it(`says of ${JSON.stringify(text.slice(0, 30))}: ${problem}`, async () => {
      const error = await thrown(() => decodeInviteCode(text));
      expect(error.code).to.equal("invite-invalid");
      expect(error.message).to.contain(problem);
      expect(error.remedy).to.not.equal("");
    });
  }

  it("says of one wrong character inside that the code is mistyped", async () => {
    const code = encodeInviteCode({ ...GOLDEN, secret: new InviteSecret(GOLDEN.secret) });
    const changed = code.slice(0, 12) + (code[12] === "A" ? "B" : "A") + code.slice(13);
    expect((await thrown(() => decodeInviteCode(changed))).message).to.contain("mistyped");
  });

  it("is not made of what the contract does not allow", async () => {
    const secret = InviteSecret.random();
    const caFingerprint = Buffer.alloc(32);
    for (const addresses of [[], [""], Array.from({ length: 9 }, () => "a:1"), ["a".repeat(281)]]) {
      const error = await thrown(() => encodeInviteCode({ addresses, caFingerprint, secret }));
      expect(error.code).to.equal("invalid-argument");
    }
    const error = await thrown(() => encodeInviteCode({ addresses: ["a:1"], caFingerprint: Buffer.alloc(31), secret }));
    expect(error.code).to.equal("invalid-argument");
  });

  it("never crashes on any text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `DBI1-${text}`),
        ),
        (text) => {
          expect(() => decodeInviteCode(text))
            .to.throw()
            .with.property("code", "invite-invalid");
        },
      ),
    );
  });
});

describe("invite secret", () => {
  it("prints as redacted however it is printed", () => {
    const secret = new InviteSecret(Buffer.alloc(16, 0x41));
    const shown = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { depth: 9, showHidden: true })];
    for (const text of shown) {
      expect(text).to.contain("redacted");
      expect(text).to.not.match(/AAAA|4141|41 41|QUFB/);
    }
  });

  it("cannot be changed through the bytes that it gave or was given", () => {
    const given = Buffer.alloc(16, 1);
    const secret = new InviteSecret(given);
    given.fill(2);
    secret.bytes().fill(3);
    expect(secret.bytes().equals(Buffer.alloc(16, 1))).to.equal(true);
  });

  it("is known to the store by a hash that differs for each secret", () => {
    expect(hashInviteSecret(new InviteSecret(Buffer.alloc(16)))).to.match(/^[0-9a-f]{64}$/);
    expect(hashInviteSecret(InviteSecret.random())).to.not.equal(hashInviteSecret(InviteSecret.random()));
  });

  it("has 16 bytes and no other number", async () => {
    expect((await thrown(() => new InviteSecret(Buffer.alloc(15)))).code).to.equal("invite-invalid");
  });
});

import { create } from "@bufbuild/protobuf";
import { RefusalSchema } from "@drawbridge/gen/drawbridge/v1/common";
import { expect } from "chai";
import fc from "fast-check";
import { fromRefusal, toRefusal } from "../../../packages/control/src/wire/refusal.ts";

const LIMIT = 1024;
const bytesOf = (text: string | undefined): number => Buffer.byteLength(text ?? "");

describe("refusal", () => {
  it("leaves a text of up to 1 KiB as it is", () => {
    for (const text of ["", "a".repeat(LIMIT), "ü".repeat(LIMIT / 2), "😀".repeat(LIMIT / 4)]) {
      expect(toRefusal({ code: "closed", message: text, remedy: text })).to.deep.equal({
        code: "closed",
        message: text,
        remedy: text,
      });
    }
  });

  it("shortens a longer text to 1 KiB between two characters and marks it", () => {
    for (const character of ["a", "ü", "€", "😀"]) {
      for (let shift = 0; shift < 4; shift += 1) {
        const text = "x".repeat(shift) + character.repeat(LIMIT + 1);
        const shortened = toRefusal({ code: "closed", message: text }).message ?? "";
        expect(bytesOf(shortened)).to.be.within(LIMIT - 6, LIMIT);
        expect(shortened.endsWith("…")).to.equal(true);
        expect(text.startsWith(shortened.slice(0, -1))).to.equal(true);
      }
    }
  });

  it("fits the contract whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        const { message, remedy } = toRefusal({ code: "internal", message: text, remedy: text });
        expect(bytesOf(message)).to.be.at.most(LIMIT);
        expect(bytesOf(remedy)).to.be.at.most(LIMIT);
        if (bytesOf(text) <= LIMIT) expect(message).to.equal(text);
        else expect(text.startsWith((message ?? "").slice(0, -1))).to.equal(true);
      }),
    );
  });

  it("takes a code that is not known for internal, and leaves an empty remedy out", () => {
    const refusal = create(RefusalSchema, { code: "brand-new", message: "m" });
    expect(fromRefusal(refusal)).to.deep.equal({ code: "internal", message: "m" });
    const known = create(RefusalSchema, { code: "revoked", message: "m", remedy: "r" });
    expect(fromRefusal(known)).to.deep.equal({ code: "revoked", message: "m", remedy: "r" });
    expect(fromRefusal(undefined).code).to.equal("internal");
  });
});

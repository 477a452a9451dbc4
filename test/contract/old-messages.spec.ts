import { type DescEnum, type DescField, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { expect } from "chai";
import { OldContract, readOld } from "./old-contract.ts";
import { goldenVectors, today } from "./vectors.ts";

for (const contract of OldContract.all()) {
  describe(`messages of today, read by ${contract.release}`, () => {
    const known = goldenVectors().flatMap((vector) => {
      const desc = contract.find(vector.message);
      return desc === undefined ? [] : [{ ...vector, desc }];
    });

    it("keep all that it does not know: passed on, nothing is missing", () => {
      for (const { message, what, hex, json, desc } of known) {
        const passedOn = toBinary(desc, fromBinary(desc, Buffer.from(hex, "hex")));
        const now = today.getMessage(message)!;
        expect(toJson(now, fromBinary(now, passedOn)), `${message}: ${what}`).to.deep.equal(json);
      }
      const strange = known.filter(({ desc, hex }) => readOld(desc, Buffer.from(hex, "hex")).unknownBytes > 0);
      expect(strange.length, "vectors with fields that it has not").to.be.above(1);
    });

    it("may hold values of an enumeration that it does not know: they stay numbers", () => {
      const fields = new Set<DescField & { enum: DescEnum }>();
      for (const { desc } of known) for (const field of desc.fields) if (field.fieldKind === "enum") fields.add(field);
      expect(fields.size).to.be.above(2);
      for (const field of fields) {
        const desc = field.parent;
        const bytes = new BinaryWriter().tag(field.number, WireType.Varint).int32(99).finish();
        const { message, json } = readOld(desc, bytes);
        expect(json[field.jsonName], field.toString()).to.equal(99);
        expect(Buffer.from(toBinary(desc, message))).to.deep.equal(Buffer.from(bytes));
      }
    });
  });
}

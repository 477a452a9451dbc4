import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import { CONTRACT } from "../../packages/control/src/cloud/services/contract.ts";
import { goldenVectors, today } from "./vectors.ts";

const vectors = goldenVectors();

for (const [file, ofFile] of Map.groupBy(vectors, (vector) => vector.file)) {
  describe(`golden vectors of ${file}`, () => {
    for (const { message: name, what, hex, json } of ofFile) {
      it(`${name}: ${what}`, () => {
        const desc = today.getMessage(name);
        if (desc === undefined) throw new Error(`${name} is not of the contract`);
        const message = fromBinary(desc, Buffer.from(hex, "hex"));
        expect(message.$unknown, "a field that the contract does not know").to.equal(undefined);
        expect(toJson(desc, message)).to.deep.equal(json);
        expect(Buffer.from(toBinary(desc, fromJson(desc, json))).toString("hex")).to.equal(hex);
      });
    }
  });
}

describe("golden vectors", () => {
  it("cover every service", () => {
    const covered = new Set(vectors.map(({ message }) => message));
    for (const service of CONTRACT) {
      const messages = service.methods.flatMap(({ input, output }) => [input.typeName, output.typeName]);
      expect(
        messages.some((name) => covered.has(name)),
        service.typeName,
      ).to.equal(true);
    }
  });
});

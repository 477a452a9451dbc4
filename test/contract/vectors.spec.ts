import { readdirSync, readFileSync } from "node:fs";
import { createRegistry, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { file_drawbridge_v1_admin } from "@drawbridge/gen/drawbridge/v1/admin";
import { file_drawbridge_v1_common } from "@drawbridge/gen/drawbridge/v1/common";
import { file_drawbridge_v1_control } from "@drawbridge/gen/drawbridge/v1/control";
import { file_drawbridge_v1_diagnostic } from "@drawbridge/gen/drawbridge/v1/diagnostic";
import { file_drawbridge_v1_enrollment } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { file_drawbridge_v1_preface } from "@drawbridge/gen/drawbridge/v1/preface";
import { file_drawbridge_v1_registry } from "@drawbridge/gen/drawbridge/v1/registry";
import { file_drawbridge_v1_session } from "@drawbridge/gen/drawbridge/v1/session";
import { expect } from "chai";

/** One message of the contract: its protobuf encoding and its ProtoJSON, so that any language can check its own code. */
interface Vector {
  /** The full name. */
  readonly message: string;
  /** For people. */
  readonly what: string;
  /** The binary encoding, fields in the order of their numbers. */
  readonly hex: string;
  /** The same message in ProtoJSON. */
  readonly json: JsonValue;
}

const FOLDER = new URL("vectors/", import.meta.url);
const FILES = [
  file_drawbridge_v1_admin,
  file_drawbridge_v1_common,
  file_drawbridge_v1_control,
  file_drawbridge_v1_diagnostic,
  file_drawbridge_v1_enrollment,
  file_drawbridge_v1_preface,
  file_drawbridge_v1_registry,
  file_drawbridge_v1_session,
];
const registry = createRegistry(...FILES);

const vectorFiles = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const read = (file: string): Vector[] => JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as Vector[];

for (const file of vectorFiles) {
  describe(`golden vectors of ${file}`, () => {
    for (const { message: name, what, hex, json } of read(file)) {
      it(`${name}: ${what}`, () => {
        const desc = registry.getMessage(name);
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
    const covered = new Set(vectorFiles.flatMap(read).map(({ message }) => message));
    for (const service of FILES.flatMap(({ services }) => services)) {
      const messages = service.methods.flatMap(({ input, output }) => [input.typeName, output.typeName]);
      expect(
        messages.some((name) => covered.has(name)),
        service.typeName,
      ).to.equal(true);
    }
  });
});

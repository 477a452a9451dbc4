import { readdirSync, readFileSync } from "node:fs";
import { createRegistry, type JsonValue } from "@bufbuild/protobuf";
import { file_drawbridge_v1_common } from "@drawbridge/gen/drawbridge/v1/common";
import { file_drawbridge_v1_preface } from "@drawbridge/gen/drawbridge/v1/preface";
import { CONTRACT } from "../../packages/control/src/cloud/services/contract.ts";

/** One message of the contract: its protobuf encoding and its ProtoJSON, so that any language can check its own code. */
export interface Vector {
  /** The file that it is in. */
  readonly file: string;
  /** The full name. */
  readonly message: string;
  /** For people. */
  readonly what: string;
  /** The binary encoding, fields in the order of their numbers. */
  readonly hex: string;
  /** The same message in ProtoJSON. */
  readonly json: JsonValue;
}

/** Every message of the contract as it is, those of no service included. */
export const today = createRegistry(
  ...CONTRACT.map(({ file }) => file),
  file_drawbridge_v1_common,
  file_drawbridge_v1_preface,
);

const FOLDER = new URL("vectors/", import.meta.url);

/** The golden vectors, file by file. */
export function goldenVectors(): Vector[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
  return files.flatMap((file) => {
    const vectors = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) as Omit<Vector, "file">[];
    return vectors.map((vector) => ({ file, ...vector }));
  });
}

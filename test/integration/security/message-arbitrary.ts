import { create, type DescField, type DescMessage, ScalarType, toBinary } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import fc from "fast-check";

const MAX_DEPTH = 4;

type Fill = (message: ReflectMessage) => void;

/** Encoded messages of a type that have the type's shape and any values at all, also such as its rules forbid. */
export function encodedMessage(desc: DescMessage): fc.Arbitrary<Uint8Array> {
  return filled(desc, MAX_DEPTH).map((fill) => {
    const message = create(desc);
    fill(reflect(desc, message, false));
    return toBinary(desc, message);
  });
}

function filled(desc: DescMessage, depth: number): fc.Arbitrary<Fill> {
  const members = desc.members.map((member): fc.Arbitrary<Fill> => {
    const fields = member.kind === "oneof" ? member.fields : [member];
    return fc.oneof(
      fc.constant<Fill>(() => {}),
      ...fields.map((field) => fieldFill(field, depth)),
    );
  });
  return fc.tuple(...members).map((fills) => (message) => fills.forEach((fill) => fill(message)));
}

function fieldFill(field: DescField, depth: number): fc.Arbitrary<Fill> {
  if (depth === 0) return fc.constant<Fill>(() => {});
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar).map((value) => (message) => message.set(field, value));
    case "enum":
      return fc.integer({ min: -1, max: 9 }).map((value) => (message) => message.set(field, value));
    case "message":
      return filled(field.message, depth - 1).map((fill) => (message) => {
        const inner = reflect(field.message, create(field.message), false);
        fill(inner);
        message.set(field, inner);
      });
    case "list":
      return listFill(field, depth);
    case "map":
      return fc.constant<Fill>(() => {});
  }
}

function listFill(field: DescField & { fieldKind: "list" }, depth: number): fc.Arbitrary<Fill> {
  if (field.listKind === "message") {
    const desc = field.message;
    return fc.array(filled(desc, depth - 1), { maxLength: 4 }).map((fills) => (message) => {
      for (const fill of fills) {
        const inner = reflect(desc, create(desc), false);
        fill(inner);
        message.get(field).add(inner);
      }
    });
  }
  const item = field.listKind === "enum" ? fc.integer({ min: -1, max: 9 }) : scalar(field.scalar);
  return fc.array(item, { maxLength: 100 }).map((values) => (message) => {
    for (const value of values) message.get(field).add(value);
  });
}

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.oneof(fc.constantFrom("acme", "alice", "rdp", "../x", "a\u0000b"), fc.string({ maxLength: 2_000 }));
    case ScalarType.BYTES:
      return fc.oneof(fc.uint8Array({ maxLength: 5_000 }), fc.uint8Array({ minLength: 16, maxLength: 32 }));
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return fc.integer();
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return fc.float();
  }
}

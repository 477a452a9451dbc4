/**
 * Prints `buf/validate/validate.proto` from the descriptor that `@bufbuild/protovalidate` carries, so that the
 * vendored copy always fits the library that enforces the rules. Custom options are left out: they hold the rules'
 * CEL expressions, which the library has of its own.
 *
 * Usage: node scripts/print-validate-proto.ts > proto/buf/validate/validate.proto
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DescEnum, DescExtension, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

const entry = createRequire(import.meta.url).resolve("@bufbuild/protovalidate");
const generated = join(dirname(entry), "../esm/gen/buf/validate/validate_pb.js");
const { file_buf_validate_validate: file } = (await import(pathToFileURL(generated).href)) as {
  file_buf_validate_validate: DescFile;
};

const relative = (typeName: string): string => typeName.replace(/^buf\.validate\./, "");

function typeOf(field: DescField | DescExtension): string {
  switch (field.fieldKind) {
    case "scalar":
      return ScalarType[field.scalar].toLowerCase();
    case "message":
      return relative(field.message.typeName);
    case "enum":
      return relative(field.enum.typeName);
    case "list":
      if (field.listKind === "scalar") return ScalarType[field.scalar].toLowerCase();
      return relative(field.listKind === "message" ? field.message.typeName : field.enum.typeName);
    case "map":
      throw new Error(`${field.name}: maps are not expected here`);
  }
}

function fieldLine(field: DescField | DescExtension, indent: string): string {
  const inOneof = field.kind === "field" && field.oneof !== undefined;
  const label = inOneof ? "" : field.fieldKind === "list" ? "repeated " : "optional ";
  return `${indent}${label}${typeOf(field)} ${field.name} = ${field.number};`;
}

function enumLines(desc: DescEnum, indent: string): string[] {
  const values = desc.values.map((value) => `${indent}  ${value.name} = ${value.number};`);
  return [`${indent}enum ${desc.name} {`, ...values, `${indent}}`];
}

function messageLines(desc: DescMessage, indent = ""): string[] {
  const inner = `${indent}  `;
  const plain = desc.fields.filter((field) => field.oneof === undefined).map((field) => fieldLine(field, inner));
  const oneofs = desc.oneofs.flatMap((oneof) => [
    `${inner}oneof ${oneof.name} {`,
    ...oneof.fields.map((field) => fieldLine(field, `${inner}  `)),
    `${inner}}`,
  ]);
  const ranges = desc.proto.extensionRange.map(({ start, end }) => {
    const last = end > 536_870_000 ? "max" : String(end - 1);
    return `${inner}extensions ${start} to ${last};`;
  });
  const enums = desc.nestedEnums.flatMap((nested) => enumLines(nested, inner));
  const messages = desc.nestedMessages.flatMap((nested) => messageLines(nested, inner));
  return [`${indent}message ${desc.name} {`, ...plain, ...oneofs, ...ranges, ...enums, ...messages, `${indent}}`];
}

const extensions = file.extensions.flatMap((extension) => [
  `extend ${extension.extendee.typeName} {`,
  fieldLine(extension, "  "),
  "}",
]);

console.log(
  [
    "// Printed by scripts/print-validate-proto.ts from the descriptor in @bufbuild/protovalidate. Do not edit.",
    "// Copyright Buf Technologies, Inc. Apache License 2.0. The rules' own CEL expressions are left out.",
    'syntax = "proto2";',
    "package buf.validate;",
    ...file.dependencies.map((dependency) => `import "${dependency.name}.proto";`),
    ...file.enums.flatMap((desc) => enumLines(desc, "")),
    ...file.messages.flatMap((desc) => messageLines(desc)),
    ...extensions,
  ].join("\n"),
);

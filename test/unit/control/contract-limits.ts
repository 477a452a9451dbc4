import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { create, getOption, hasOption } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { field as fieldRules, type FieldRules } from "@drawbridge/gen/buf/validate/validate";

/** A value at a limit of the contract, or one beyond it. */
export interface LimitCase {
  field: DescField;
  limit: string;
  accepted: unknown[];
  refused: unknown[];
}

const text = (length: number): string => "a".repeat(length);
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1);
const duration = (seconds: bigint, nanos = 0): Message => create(DurationSchema, { seconds, nanos });

function rulesOf(field: DescField): FieldRules["type"] | undefined {
  return hasOption(field, fieldRules) ? getOption(field, fieldRules).type : undefined;
}

/** Every limit that a message's own fields have. */
export function limitsOf(desc: DescMessage): LimitCase[] {
  return desc.fields.flatMap((field) => {
    const rules = rulesOf(field);
    return rules === undefined ? [] : scalarLimits(field, rules);
  });
}

function scalarLimits(field: DescField, rules: FieldRules["type"]): LimitCase[] {
  const found: LimitCase[] = [];
  const add = (limit: string, accepted: unknown[], refused: unknown[]): void =>
    void found.push({ field, limit, accepted, refused });
  switch (rules.case) {
    case "string": {
      const { maxLen, maxBytes, minLen, pattern } = rules.value;
      if (maxLen > 0n) add(`max_len ${maxLen}`, [text(Number(maxLen))], [text(Number(maxLen) + 1)]);
      if (maxBytes > 0n) {
        const limit = Number(maxBytes);
        const umlauts = "ü".repeat(Math.floor(limit / 2));
        add(`max_bytes ${limit}`, [text(limit), umlauts, ""], [text(limit + 1), `${umlauts}üü`]);
      }
      if (minLen > 0n) add(`min_len ${minLen}`, [text(Number(minLen))], [text(Number(minLen) - 1)]);
      if (pattern !== "") {
        const open = pattern.endsWith(")?$") ? ["a-"] : [];
        add("pattern", ["a", "ab", "a-b"], ["", "-a", "A", "a b", "a/b", "ä", "a\n", ...open]);
      }
      return found;
    }
    case "bytes": {
      const { len, minLen, maxLen } = rules.value;
      if (len > 0n) add(`len ${len}`, [bytes(Number(len))], [bytes(Number(len) - 1), bytes(Number(len) + 1), bytes(0)]);
      if (minLen > 0n) add(`min_len ${minLen}`, [bytes(Number(minLen))], [bytes(Number(minLen) - 1)]);
      if (maxLen > 0n) add(`max_len ${maxLen}`, [bytes(Number(maxLen))], [bytes(Number(maxLen) + 1)]);
      return found;
    }
    case "enum": {
      if (rules.value.definedOnly) add("defined_only", [1], [99, -1]);
      if (rules.value.notIn.includes(0)) add("not_in 0", [1], [0]);
      return found;
    }
    case "uint32":
      add("gte 1", [1, 4_294_967_295], [0]);
      return found;
    case "uint64": {
      const { greaterThan: low, lessThan: high } = rules.value;
      if (low.case !== undefined || high.case !== "lte") throw new Error(`${field.name} has another limit than lte`);
      add(`lte ${high.value}`, [high.value, 0n], [high.value + 1n]);
      return found;
    }
    case "duration":
      return [...found, ...durationLimits(field, rules.value)];
    case "repeated":
      return [...found, ...repeatedLimits(field, rules.value)];
    default:
      throw new Error(`${field.parent.name}.${field.name} has a rule of a kind that this test does not know`);
  }
}

type RulesOf<Case> = Extract<FieldRules["type"], { case: Case }>["value"];

function durationLimits(field: DescField, rules: RulesOf<"duration">): LimitCase[] {
  const { greaterThan: low, lessThan: high } = rules;
  const found: LimitCase[] = [];
  if (low.case === "gte") {
    const { seconds } = low.value;
    found.push({ field, limit: "gte", accepted: [duration(seconds)], refused: [duration(seconds - 1n, 999_999_999)] });
  }
  if (high.case === "lte") {
    const { seconds } = high.value;
    found.push({ field, limit: "lte", accepted: [duration(seconds)], refused: [duration(seconds, 1)] });
  }
  return found;
}

function repeatedLimits(field: DescField, { minItems, maxItems, unique, items }: RulesOf<"repeated">): LimitCase[] {
  if (field.fieldKind !== "list") throw new Error(`${field.name} is no list`);
  const element = field.listKind === "message" ? field.message : undefined;
  const make = (index: number): unknown => (element ? exampleOf(element) : `a${index}`);
  const list = (length: number): unknown[] => Array.from({ length }, (_, index) => make(index));
  const found: LimitCase[] = [];
  const add = (limit: string, accepted: unknown[], refused: unknown[]): void =>
    void found.push({ field, limit, accepted, refused });
  if (maxItems > 0n) add(`max_items ${maxItems}`, [list(Number(maxItems))], [list(Number(maxItems) + 1)]);
  if (minItems > 0n) add(`min_items ${minItems}`, [list(Number(minItems))], [list(Number(minItems) - 1)]);
  if (unique) add("unique", [["a", "b"]], [["a", "a"]]);
  if (items !== undefined) {
    for (const { limit, accepted, refused } of scalarLimits(field, items.type)) {
      add(
        `items ${limit}`,
        accepted.map((value) => [value]),
        refused.map((value) => [value]),
      );
    }
  }
  return found;
}

/** A message that keeps every rule of the contract. */
export function exampleOf(desc: DescMessage): Message {
  const message = create(desc);
  for (const { field, accepted } of limitsOf(desc)) setField(message, desc, field, accepted[0]);
  for (const oneof of desc.oneofs) {
    const [first] = oneof.fields;
    if (first?.message !== undefined) setField(message, desc, first, exampleOf(first.message));
  }
  return message;
}

/** Sets a field, in whatever way the descriptor says, checks of the setter included only where they are ours to test. */
export function setField(message: Message, desc: DescMessage, field: DescField, value: unknown): void {
  const target = message as unknown as Record<string, unknown>;
  if (field.oneof !== undefined) target[field.oneof.localName] = { case: field.localName, value };
  else if (field.fieldKind === "message")
    reflect(desc, message, false).set(field, reflect(field.message, value as Message));
  else target[field.localName] = value;
}

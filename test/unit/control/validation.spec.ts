import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { validateMessage } from "@drawbridge/control/rpc";
import { CreateInviteRequestSchema, ListSessionsRequestSchema } from "@drawbridge/gen/drawbridge/v1/admin";
import type { PlainPermit, Refusal, Target } from "@drawbridge/gen/drawbridge/v1/common";
import { PlainPermitSchema, RefusalSchema, TargetSchema } from "@drawbridge/gen/drawbridge/v1/common";
import {
  ConnectRequestSchema,
  HelloSchema,
  SessionAnswerSchema,
  SessionCloseSchema,
} from "@drawbridge/gen/drawbridge/v1/control";
import { EnrollRequestSchema } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { PrefaceSchema } from "@drawbridge/gen/drawbridge/v1/preface";
import { OpenRequestSchema } from "@drawbridge/gen/drawbridge/v1/session";
import { expect } from "chai";
import { CONTRACT } from "../../../packages/control/src/cloud/services/contract.ts";
import { thrown } from "../identity/thrown.ts";
import { exampleOf, limitsOf, setField } from "./contract-limits.ts";

/** The messages that a call carries, those inside others included. */
function reachable(roots: DescMessage[]): DescMessage[] {
  const found = new Set<DescMessage>();
  const visit = (desc: DescMessage): void => {
    if (found.has(desc) || !desc.typeName.startsWith("drawbridge.")) return;
    found.add(desc);
    for (const field of desc.fields) if (field.message !== undefined) visit(field.message);
  };
  roots.forEach(visit);
  return [...found];
}

const MESSAGES = reachable(CONTRACT.flatMap(({ methods }) => methods.flatMap(({ input, output }) => [input, output])));
const LIMITS = MESSAGES.flatMap((desc) => limitsOf(desc).map((limit) => ({ desc, ...limit })));

/** Checks a message as a stream carries it: what several services share comes only inside other messages. */
function check(desc: DescMessage, message: Message): void {
  if (desc === RefusalSchema)
    validateMessage(create(SessionCloseSchema, { sessionId: "s", reason: message as Refusal }));
  else if (desc === TargetSchema)
    validateMessage(create(HelloSchema, { protocolVersion: 1, targets: [message as Target] }));
  else if (desc === PlainPermitSchema) {
    const accepted = { case: "accepted" as const, value: { plainPermit: message as PlainPermit } };
    validateMessage(create(SessionAnswerSchema, { sessionId: "s", decision: accepted }));
  } else if (!desc.file.name.endsWith("/common")) validateMessage(message);
}

function withField(desc: DescMessage, field: DescField, value: unknown): Message {
  const message = clone(desc, exampleOf(desc));
  setField(message, desc, field, value);
  return message;
}

/** What no error may repeat: the text of a value, where it has one that could be told from other text. */
function recognisable(value: unknown): string | undefined {
  const [first] = Array.isArray(value) ? (value as unknown[]) : [value];
  return typeof first === "string" && first.length > 8 ? first.slice(0, 8) : undefined;
}

describe("validation", () => {
  it("knows an example of every message that keeps the rules", () => {
    expect(MESSAGES.length).to.be.greaterThan(50);
    for (const desc of MESSAGES) check(desc, exampleOf(desc));
  });

  it("covers the contract's limits", () => {
    expect(LIMITS.length).to.be.greaterThan(70);
  });

  for (const { desc, field, limit, accepted, refused } of LIMITS) {
    it(`keeps ${desc.name}.${field.name} to ${limit}`, async () => {
      for (const value of accepted) check(desc, withField(desc, field, value));
      for (const value of refused) {
        const error = await thrown(() => check(desc, withField(desc, field, value)));
        expect(error.code).to.equal("invalid-argument");
        expect(error.message).to.contain(field.name);
        const text = recognisable(value);
        if (text !== undefined) expect(error.message).not.to.contain(text);
      }
    });
  }

  it("keeps the rules of messages inside messages, and names the way to the field", async () => {
    const hello = create(HelloSchema, { protocolVersion: 1, targets: [{ name: "rdp" }, { name: "Not A Name" }] });
    const request = create(ConnectRequestSchema, { message: { case: "hello", value: hello } });
    const error = await thrown(() => validateMessage(request));
    expect(error.message).to.contain("targets[1].name").and.not.to.contain("Not A Name");
  });

  it("never repeats a secret", async () => {
    const secret = Buffer.from("a secret of the wrong length");
    const error = await thrown(() => validateMessage(create(EnrollRequestSchema, { secret, kind: 1 })));
    const told = `${error.message} ${error.remedy}`;
    expect(told).to.contain("secret").and.not.to.contain(secret.toString());
    expect(told).not.to.contain(secret.toString("hex")).and.not.to.contain(secret.toString("base64"));
  });

  it("tolerates fields that it does not know", () => {
    const unknownField = Buffer.from([0xfa, 0x3f, 3, 1, 2, 3]); // field 1023, three bytes
    const known = toBinary(CreateInviteRequestSchema, create(CreateInviteRequestSchema, { kind: 1, name: "acme" }));
    const message = fromBinary(CreateInviteRequestSchema, Buffer.concat([known, unknownField]));
    expect(validateMessage(message).name).to.equal("acme");
    validateMessage(fromBinary(ListSessionsRequestSchema, unknownField));
  });

  it("tolerates stream messages whose member it does not know", () => {
    const unknownMember = Buffer.from([0xa2, 0x06, 0]); // field 100, an empty message
    for (const desc of [ConnectRequestSchema, OpenRequestSchema]) {
      const message = validateMessage(fromBinary(desc, unknownMember));
      expect(message.message.case).to.equal(undefined);
    }
  });

  it("refuses a message that is not of the contract's services as our own mistake", async () => {
    expect((await thrown(() => validateMessage(create(PrefaceSchema)))).code).to.equal("internal");
  });
});

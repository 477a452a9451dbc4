import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodePreface, HandshakeToken, PrefaceReader } from "@drawbridge/dataplane";
import { PrefaceSchema } from "@drawbridge/gen/drawbridge/v1/preface";
import { expect } from "chai";
import fc from "fast-check";

const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("preface and the contract's Preface message", () => {
  it("have the same bytes", () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const encoded = encodePreface(HandshakeToken.fromBytes(secret));
        const message = toBinary(PrefaceSchema, create(PrefaceSchema, { token: secret }));
        expect(encoded.subarray(0, 4).toString("latin1")).to.equal("DBR1");
        expect(encoded.readUInt16BE(4)).to.equal(message.length);
        expect(encoded.subarray(6).equals(message)).to.equal(true);
        expect(fromBinary(PrefaceSchema, encoded.subarray(6)).token).to.deep.equal(secret);
      }),
    );
  });

  it("are read alike: valid, truncated and mutated messages", () => {
    // Not the tag: protobuf-es reads a known field whatever its wire type says, other runtimes and we skip such a field.
    const mutation = fc.record({
      secret: secrets,
      cut: fc.nat(40),
      at: fc.integer({ min: 1, max: 33 }),
      byte: fc.nat(255),
    });
    fc.assert(
      fc.property(mutation, ({ secret, cut, at, byte }) => {
        const message = toBinary(PrefaceSchema, create(PrefaceSchema, { token: secret })).slice(
          0,
          Math.max(1, 34 - cut),
        );
        if (at < message.length) message[at] = byte;
        expect(tokenByHand(message)).to.deep.equal(tokenByContract(message));
      }),
      { numRuns: 2000 },
    );
  });
});

/** The token as the data plane reads it, in hex; undefined when the preface is refused. */
function tokenByHand(message: Uint8Array): string | undefined {
  const header = Buffer.from("DBR1\0\0", "latin1");
  header.writeUInt16BE(message.length, 4);
  try {
    const progress = new PrefaceReader().push(Buffer.concat([header, message]));
    return progress.state === "complete" ? progress.token.bytes.toString("hex") : undefined;
  } catch {
    return undefined;
  }
}

/** The token as the generated code reads it, in hex; undefined when the message is malformed or breaks the rule. */
function tokenByContract(message: Uint8Array): string | undefined {
  try {
    const { token } = fromBinary(PrefaceSchema, message);
    return token.length === 32 ? Buffer.from(token).toString("hex") : undefined;
  } catch {
    return undefined;
  }
}

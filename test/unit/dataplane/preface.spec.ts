import {
  DrawbridgeError,
  encodePreface,
  HandshakeToken,
  MAX_PREFACE_BYTES,
  PrefaceReader,
} from "@drawbridge/dataplane";
import { expect } from "chai";
import fc from "fast-check";

const token = HandshakeToken.fromBytes(Uint8Array.from({ length: 32 }, (_, index) => index));
const tokenField = Buffer.concat([Buffer.from([0x0a, 32]), token.bytes]);

function frame(message: Uint8Array, length = message.length): Buffer {
  const header = Buffer.from("DBR1\0\0", "latin1");
  header.writeUInt16BE(length, 4);
  return Buffer.concat([header, message]);
}

/** The number of bytes after which a reader that is fed byte by byte gives up; undefined when it never does. */
function givesUpAfter(bytes: Uint8Array): number | undefined {
  const reader = new PrefaceReader();
  for (const [index, byte] of bytes.entries()) {
    try {
      reader.push(Uint8Array.of(byte));
    } catch (error) {
      expect(error).to.be.instanceOf(DrawbridgeError).with.property("code", "protocol-violation");
      return index + 1;
    }
  }
  return undefined;
}

describe("preface", () => {
  it("has the documented form", () => {
    expect(encodePreface(token).toString("hex")).to.equal(
      "444252310022" + "0a20" + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    );
  });

  it("is read at every split, and what follows is returned", () => {
    const bytes = Buffer.concat([encodePreface(token), Buffer.from("early bytes")]);
    for (let split = 0; split <= bytes.length; split += 1) {
      const reader = new PrefaceReader();
      const first = reader.push(bytes.subarray(0, split));
      const last = first.state === "complete" ? first : reader.push(bytes.subarray(split));
      if (last.state !== "complete") throw new Error(`incomplete at split ${split}`);
      expect(last.token.digest()).to.equal(token.digest());
      const rest = first.state === "complete" ? [last.rest, bytes.subarray(split)] : [last.rest];
      expect(Buffer.concat(rest).toString()).to.equal("early bytes");
    }
  });

  it("is read in chunks of any sizes, with any token and any rest", () => {
    const bytesOf = (options: object) => fc.uint8Array(options);
    fc.assert(
      fc.property(
        bytesOf({ minLength: 32, maxLength: 32 }),
        bytesOf({ maxLength: 64 }),
        fc.array(fc.integer({ min: 1, max: 20 })),
        (secret, rest, sizes) => {
          const sent = Buffer.concat([encodePreface(HandshakeToken.fromBytes(secret)), rest]);
          const reader = new PrefaceReader();
          let offset = 0;
          for (const size of [...sizes, sent.length]) {
            const chunk = sent.subarray(offset, offset + size);
            offset += chunk.length;
            const progress = reader.push(chunk);
            if (progress.state === "incomplete") continue;
            expect(progress.token.bytes.equals(secret)).to.equal(true);
            expect(Buffer.concat([progress.rest, sent.subarray(offset)]).equals(rest)).to.equal(true);
            return;
          }
          throw new Error("incomplete");
        },
      ),
    );
  });

  it("skips fields that it does not know", () => {
    const message = Buffer.concat([
      Buffer.from([0x12, 3, 1, 2, 3, 0x18, 0x96, 1]),
      tokenField,
      Buffer.from([0x25, 1, 2, 3, 4]),
    ]);
    expect(new PrefaceReader().push(frame(message)).state).to.equal("complete");
  });

  it("may be as long as the limit", () => {
    const filler = Buffer.alloc(MAX_PREFACE_BYTES - tokenField.length);
    filler.set([0x12, 0xdb, 0x07]);
    const message = Buffer.concat([tokenField, filler]);
    expect(filler.length - 3).to.equal(0x07 * 128 + 0x5b);
    expect(new PrefaceReader().push(frame(message)).state).to.equal("complete");
  });

  it("is refused at the first byte of the magic that is wrong", () => {
    for (let position = 0; position < 4; position += 1) {
      const bytes = encodePreface(token);
      bytes[position]! ^= 0x20;
      expect(givesUpAfter(bytes)).to.equal(position + 1);
    }
  });

  it("is refused at the length when that is none or too much", () => {
    expect(givesUpAfter(frame(tokenField, 0))).to.equal(6);
    expect(givesUpAfter(frame(tokenField, 1025))).to.equal(6);
    expect(givesUpAfter(frame(tokenField, 0x0500))).to.equal(5);
    expect(givesUpAfter(frame(tokenField, 0xffff))).to.equal(5);
  });

  it("is refused when the message is malformed or its token is not 32 bytes", () => {
    const wrong = [
      Buffer.from([0x0a]),
      Buffer.from([0x0a, 32, 1, 2, 3]),
      Buffer.from([0x12, 0]),
      Buffer.from([0x0a, 31, ...token.bytes.subarray(1)]),
      Buffer.from([0x0a, 33, ...token.bytes, 1]),
      Buffer.from([0x07, ...tokenField]),
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x08, 1]),
    ];
    for (const message of wrong) {
      expect(givesUpAfter(frame(message)), message.toString("hex")).to.equal(6 + message.length);
    }
  });

  it("gives up or goes on, but never throws anything of its own, on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        if (message.length > 0) givesUpAfter(frame(message));
        givesUpAfter(message);
      }),
    );
  });
});

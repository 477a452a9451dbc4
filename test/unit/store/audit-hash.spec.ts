import { auditHash, GENESIS_HASH, type HashedFields } from "@drawbridge/control/store";
import { expect } from "chai";
import fc from "fast-check";

const bytes = fc.uint8Array({ maxLength: 20 });
const fields: fc.Arbitrary<HashedFields> = fc.record({
  sequence: fc.bigInt({ min: 1n, max: 2n ** 53n }),
  time: fc.bigInt({ min: 0n, max: 2n ** 53n }),
  event: bytes,
  tenant: bytes,
  operator: bytes,
  detailsJson: bytes,
});

describe("audit hash", () => {
  it("has the documented canonical form", () => {
    // Made from the documentation of auditHash by other means than the code under test.
    const first = auditHash(GENESIS_HASH, {
      sequence: 1n,
      time: 1_795_376_841_424n,
      event: Buffer.from("session-opened"),
      tenant: Buffer.from("acme"),
      operator: Buffer.from(""),
      detailsJson: Buffer.from('{"reason":"ü"}'),
    });
    expect(first).to.equal("af7d81bede1e59420b5bb8f3dee69d0ff75d2924c5b49070332111ccdd8e86bf");
  });

  it("differs when any field or the hash before differs", () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        fc.pre(JSON.stringify(printable(a)) !== JSON.stringify(printable(b)));
        expect(auditHash(GENESIS_HASH, a)).to.not.equal(auditHash(GENESIS_HASH, b));
        expect(auditHash("11".repeat(32), a)).to.not.equal(auditHash(GENESIS_HASH, a));
      }),
    );
  });

  it("differs when a byte moves from one field to the next", () => {
    fc.assert(
      fc.property(fields, fc.uint8Array({ minLength: 1, maxLength: 20 }), (record, moving) => {
        const left = { ...record, tenant: moving, operator: new Uint8Array() };
        const right = { ...record, tenant: new Uint8Array(), operator: moving };
        expect(auditHash(GENESIS_HASH, left)).to.not.equal(auditHash(GENESIS_HASH, right));
      }),
    );
  });
});

function printable(record: HashedFields): readonly string[] {
  return Object.values(record).map(String);
}

import type { DatabaseSync } from "node:sqlite";
import type { AuditVerification, Store } from "@drawbridge/control/store";
import { expect } from "chai";
import fc from "fast-check";
import { StoreHome } from "./store-home.ts";

const RECORDS = 12;

/** What somebody with the file in their hands does first. */
function dropTriggers(database: DatabaseSync): void {
  for (const row of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()) {
    database.exec(`DROP TRIGGER ${String(row["name"])}`);
  }
}

describe("audit log that was tampered with", () => {
  let home: StoreHome;
  let store: Store;

  before(async () => {
    home = await StoreHome.make();
    store = await home.open();
    for (let at = 1; at <= RECORDS; at += 1) {
      await store.audit.append(
        "session-opened",
        { tenant: "acme", operator: "ann", details: { at, text: "\ufffdü" } },
        at,
      );
    }
    home.tamper(dropTriggers);
  });

  after(() => home[Symbol.asyncDispose]());

  /** Tampers, verifies, and puts everything back. */
  const verifyWith = async (work: (database: DatabaseSync) => void): Promise<AuditVerification> => {
    home.tamper((database) => {
      database.exec("CREATE TABLE kept AS SELECT * FROM audit; CREATE TABLE kept_head AS SELECT * FROM audit_head");
      work(database);
    });
    const verification = await store.audit.verify();
    home.tamper((database) => {
      database.exec("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept");
      database.exec("DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head; DROP TABLE kept_head");
    });
    expect((await store.audit.verify()).state).to.equal("intact");
    return verification;
  };

  const sequences = fc.integer({ min: 1, max: RECORDS });

  it("names the record of which any one byte was changed, in any field", async () => {
    const column = fc.constantFrom("event", "tenant", "operator", "details", "hash");
    await fc.assert(
      fc.asyncProperty(
        sequences,
        column,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (sequence, name, at, flip) => {
          const verification = await verifyWith((database) => {
            const select = database.prepare(`SELECT CAST(${name} AS BLOB) AS value FROM audit WHERE sequence = ?`);
            const value = Buffer.from(select.get(sequence)?.["value"] as Uint8Array);
            value[at % value.length]! ^= flip;
            database.prepare(`UPDATE audit SET ${name} = CAST(? AS TEXT) WHERE sequence = ?`).run(value, sequence);
          });
          expect(verification).to.include({ state: "broken", sequence, fault: "changed" });
        },
      ),
      { numRuns: 150 },
    );
  });

  it("names the record of which any one byte of the time was changed", async () => {
    await fc.assert(
      fc.asyncProperty(sequences, fc.nat(7), fc.integer({ min: 1, max: 255 }), async (sequence, byte, flip) => {
        const verification = await verifyWith((database) => {
          const time = BigInt.asIntN(64, BigInt(sequence) ^ (BigInt(flip) << BigInt(8 * byte)));
          database.prepare("UPDATE audit SET time = ? WHERE sequence = ?").run(time, sequence);
        });
        expect(verification).to.include({ state: "broken", sequence, fault: "changed" });
      }),
      { numRuns: 60 },
    );
  });

  it("names the first of any records that are missing, also at the end", async () => {
    await fc.assert(
      fc.asyncProperty(sequences, fc.integer({ min: 1, max: RECORDS }), async (sequence, count) => {
        const verification = await verifyWith((database) => {
          const remove = database.prepare("DELETE FROM audit WHERE sequence >= ? AND sequence < ?");
          remove.run(sequence, sequence + count);
        });
        expect(verification).to.include({ state: "broken", sequence, fault: "missing" });
      }),
      { numRuns: 60 },
    );
  });

  it("names the first of two records that were swapped", async () => {
    await fc.assert(
      fc.asyncProperty(sequences, sequences, async (a, b) => {
        fc.pre(a !== b);
        const verification = await verifyWith((database) => {
          const move = database.prepare("UPDATE audit SET sequence = ? WHERE sequence = ?");
          move.run(1_000, a);
          move.run(a, b);
          move.run(b, 1_000);
        });
        expect(verification).to.include({ state: "broken", sequence: Math.min(a, b), fault: "reordered" });
      }),
      { numRuns: 60 },
    );
  });

  it("names the place of a record that was moved away", async () => {
    await fc.assert(
      fc.asyncProperty(sequences, fc.integer({ min: RECORDS + 1, max: 1_000_000 }), async (from, to) => {
        const verification = await verifyWith((database) => {
          database.prepare("UPDATE audit SET sequence = ? WHERE sequence = ?").run(to, from);
        });
        expect(verification).to.include({ state: "broken", sequence: from });
      }),
      { numRuns: 30 },
    );
  });

  const insert = (database: DatabaseSync, sequence: number): void => {
    const statement = "INSERT INTO audit SELECT ?, time, event, tenant, operator, details, hash FROM audit LIMIT 1";
    database.prepare(statement).run(sequence);
  };

  it("names a record that was added at the end or before the first", async () => {
    for (const sequence of [RECORDS + 1, 0, -5]) {
      const verification = await verifyWith((database) => insert(database, sequence));
      expect(verification, String(sequence)).to.include({ state: "broken", sequence });
    }
  });

  it("names a properly chained record whose end mark was not moved", async () => {
    const verification = await verifyWith((database) => {
      database.exec("UPDATE audit_head SET (sequence, hash) = (SELECT sequence, hash FROM audit WHERE sequence = 10)");
    });
    expect(verification).to.include({ state: "broken", sequence: 11, fault: "added" });
  });

  it("is broken when the end mark was changed or is gone", async () => {
    const changed = await verifyWith((database) => database.exec("UPDATE audit_head SET hash = 'h'"));
    expect(changed).to.include({ state: "broken", sequence: RECORDS, fault: "changed" });
    const gone = await verifyWith((database) => database.exec("DELETE FROM audit_head"));
    expect(gone).to.include({ state: "broken", sequence: RECORDS + 1, fault: "missing" });
  });

  it("is broken when all of it was emptied", async () => {
    const verification = await verifyWith((database) => database.exec("DELETE FROM audit"));
    expect(verification).to.deep.equal({
      state: "broken",
      sequence: 1,
      fault: "missing",
      text: "record 1 of the audit log is missing",
    });
  });
});

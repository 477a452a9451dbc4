import { setImmediate as nextTurn } from "node:timers/promises";
import { abortError } from "@drawbridge/dataplane";
import { auditHash, GENESIS_HASH, type HashedFields } from "../audit-hash.ts";
import type { AuditFault, AuditVerification } from "../audit-record.ts";
import { bigint, bytes, type Row, text } from "./row.ts";
import type { Sql, SqliteDatabase } from "./sqlite-database.ts";

/** Small enough that other work of the process gets its turn between two pages. */
const PAGE = 500;
const LOWEST_SEQUENCE = -(2n ** 63n);

interface Verified {
  readonly sequence: bigint;
  readonly hash: string;
}

interface StoredRecord extends HashedFields {
  readonly hash: string;
}

interface LogEnd {
  /** What the head says; undefined when it is gone. */
  readonly head: Verified | undefined;
  /** The largest sequence number that is there; 0 in an empty log. */
  readonly last: bigint;
}

/**
 * Walks the chain from the first record and stops at the first that is broken; see `AuditStore.verify`.
 * @throws DrawbridgeError `cancelled`, or the signal's own reason.
 */
export async function verifyAudit(database: SqliteDatabase, signal?: AbortSignal): Promise<AuditVerification> {
  let verified: Verified = { sequence: 0n, hash: GENESIS_HASH };
  let from = LOWEST_SEQUENCE;
  for (;;) {
    if (signal?.aborted === true) throw abortError(signal);
    const page = await database.read((sql) => readPage(sql, from));
    for (const record of page) {
      const fault = faultOf(verified, record);
      if (fault !== undefined) return refine(database, verified, record, fault);
      verified = { sequence: record.sequence, hash: record.hash };
    }
    from = verified.sequence + 1n;
    if (page.length === 0) {
      const verdict = judgeEnd(verified, await database.read(readEnd));
      if (verdict !== undefined) return verdict;
    }
    await nextTurn();
  }
}

// The text columns are read as the bytes in the file: decoding would turn different invalid bytes into the same text.
function readPage(sql: Sql, from: bigint): readonly StoredRecord[] {
  const rows = sql.all(
    `SELECT sequence, time, CAST(event AS BLOB) AS event, CAST(tenant AS BLOB) AS tenant,
            CAST(operator AS BLOB) AS operator, CAST(details AS BLOB) AS details, hash
     FROM audit WHERE sequence >= ? ORDER BY sequence LIMIT ?`,
    from,
    PAGE,
  );
  return rows.map(toStoredRecord);
}

function toStoredRecord(row: Row): StoredRecord {
  return {
    sequence: bigint(row, "sequence"),
    time: bigint(row, "time"),
    event: bytes(row, "event"),
    tenant: bytes(row, "tenant"),
    operator: bytes(row, "operator"),
    detailsJson: bytes(row, "details"),
    hash: text(row, "hash"),
  };
}

function readEnd(sql: Sql): LogEnd {
  // One statement, so that a record appended meanwhile is in both or in neither.
  const row = sql.get(
    `SELECT l.last, h.sequence, h.hash
     FROM (SELECT COALESCE(MAX(sequence), 0) AS last FROM audit) l LEFT JOIN audit_head h ON h.id = 1`,
  );
  const last = row === undefined ? 0n : bigint(row, "last");
  if (row === undefined || row["sequence"] === null) return { head: undefined, last };
  return { head: { sequence: bigint(row, "sequence"), hash: text(row, "hash") }, last };
}

function faultOf(verified: Verified, record: StoredRecord): AuditFault | undefined {
  const expected = verified.sequence + 1n;
  if (record.sequence < expected) return "added";
  if (record.sequence > expected) return "missing";
  return auditHash(verified.hash, record) === record.hash ? undefined : "changed";
}

/** Names the fault: a record that does not fit in its place may have been swapped with one that does. */
async function refine(
  database: SqliteDatabase,
  verified: Verified,
  record: StoredRecord,
  fault: AuditFault,
): Promise<AuditVerification> {
  if (fault === "added") return broken(record.sequence, fault);
  const expected = verified.sequence + 1n;
  const moved = await database.read((sql) => standsFurtherDown(sql, verified, record.sequence));
  return broken(expected, moved ? "reordered" : fault);
}

function standsFurtherDown(sql: Sql, verified: Verified, from: bigint): boolean {
  const sequence = verified.sequence + 1n;
  for (let start = from; ;) {
    const page = readPage(sql, start);
    if (page.some((record) => auditHash(verified.hash, { ...record, sequence }) === record.hash)) return true;
    const last = page.at(-1);
    if (last === undefined) return false;
    start = last.sequence + 1n;
  }
}

/** Once all records are walked: undefined when more have been appended meanwhile. */
function judgeEnd(verified: Verified, { head, last }: LogEnd): AuditVerification | undefined {
  if (head === undefined) return broken(verified.sequence + 1n, "missing");
  if (head.sequence < last) return broken(head.sequence + 1n, "added");
  if (last > verified.sequence) return undefined;
  if (head.sequence > verified.sequence) return broken(verified.sequence + 1n, "missing");
  if (head.hash !== verified.hash) return broken(verified.sequence, "changed");
  return { state: "intact", records: Number(verified.sequence), headHash: verified.hash };
}

const TEXTS: Readonly<Record<AuditFault, string>> = {
  changed: "does not match its hash: it was changed after it was written",
  missing: "is missing",
  reordered: "is not in its place: records were moved",
  added: "was added without the log's doing",
};

function broken(sequence: bigint, fault: AuditFault): AuditVerification {
  const text = `record ${sequence} of the audit log ${TEXTS[fault]}`;
  return { state: "broken", sequence: Number(sequence), fault, text };
}

import type { SQLInputValue } from "node:sqlite";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { auditHash } from "../audit-hash.ts";
import type { AuditFilter, AuditRecord, AuditSubject, AuditVerification } from "../audit-record.ts";
import type { AuditStore } from "../store.ts";
import { verifyAudit } from "./audit-verification.ts";
import { pageLimit } from "./page-limit.ts";
import { integer, type Row, text } from "./row.ts";
import type { Sql, SqliteDatabase } from "./sqlite-database.ts";

const DEFAULT_PAGE = 500;
const MAX_EVENT_LENGTH = 64;
const MAX_NAME_LENGTH = 64;
const MAX_DETAILS_BYTES = 64 * 1024;
const EVENT = /^[a-z][a-z0-9-]*$/;

/** {@link AuditStore} in SQLite. */
export class SqliteAuditStore implements AuditStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  append(event: string, subject: AuditSubject, at: number): Promise<AuditRecord> {
    return this.#database.write((sql) => {
      const { tenant = "", operator = "", details = {} } = subject;
      const detailsJson = JSON.stringify(details);
      refuseUnfit(event, tenant, operator, detailsJson);
      const record = chained(sql, { time: Math.floor(at), event, tenant, operator, detailsJson });
      insert(sql, record);
      return record;
    });
  }

  read(filter: AuditFilter = {}): Promise<readonly AuditRecord[]> {
    return this.#database.read((sql) => {
      const conditions = ["sequence > ?"];
      const values: SQLInputValue[] = [filter.afterSequence ?? 0];
      const narrow = (condition: string, value: string | number | undefined): void => {
        if (value === undefined) return;
        conditions.push(condition);
        values.push(value);
      };
      narrow("time >= ?", filter.since);
      narrow("tenant = ?", filter.tenant);
      narrow("operator = ?", filter.operator);
      const query = `SELECT * FROM audit WHERE ${conditions.join(" AND ")} ORDER BY sequence LIMIT ?`;
      return sql.all(query, ...values, pageLimit(filter.limit, DEFAULT_PAGE)).map(toRecord);
    });
  }

  verify(signal?: AbortSignal): Promise<AuditVerification> {
    return verifyAudit(this.#database, signal);
  }
}

function refuseUnfit(event: string, tenant: string, operator: string, detailsJson: string): void {
  if (event.length > MAX_EVENT_LENGTH || !EVENT.test(event)) {
    throw new DrawbridgeError("invalid-argument", `${JSON.stringify(event)} is not the name of an audit event`);
  }
  if (tenant.length > MAX_NAME_LENGTH || operator.length > MAX_NAME_LENGTH) {
    throw new DrawbridgeError(
      "limit-exceeded",
      `the audit record ${event} has a name of more than ${MAX_NAME_LENGTH} characters`,
    );
  }
  if (Buffer.byteLength(detailsJson) > MAX_DETAILS_BYTES) {
    throw new DrawbridgeError(
      "limit-exceeded",
      `the audit record ${event} has more than ${MAX_DETAILS_BYTES} bytes of details`,
    );
  }
}

/** Inside the transaction that inserts it, so that no other process can have written since the head was read. */
function chained(sql: Sql, content: Omit<AuditRecord, "sequence" | "hash">): AuditRecord {
  const head = sql.get("SELECT sequence, hash FROM audit_head WHERE id = 1");
  if (head === undefined) throw headless();
  const sequence = integer(head, "sequence") + 1;
  const hash = auditHash(text(head, "hash"), {
    sequence: BigInt(sequence),
    time: BigInt(content.time),
    event: Buffer.from(content.event),
    tenant: Buffer.from(content.tenant),
    operator: Buffer.from(content.operator),
    detailsJson: Buffer.from(content.detailsJson),
  });
  return { sequence, ...content, hash };
}

function insert(sql: Sql, record: AuditRecord): void {
  const { sequence, time, event, tenant, operator, detailsJson, hash } = record;
  sql.run(
    "INSERT INTO audit (sequence, time, event, tenant, operator, details, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
    sequence,
    time,
    event,
    tenant,
    operator,
    detailsJson,
    hash,
  );
  sql.run("UPDATE audit_head SET sequence = ?, hash = ? WHERE id = 1", sequence, hash);
}

function headless(): DrawbridgeError {
  return new DrawbridgeError("home-invalid", "the audit log's end mark is gone: somebody changed the store by hand", {
    remedy: "Restore the store from a backup.",
  });
}

function toRecord(row: Row): AuditRecord {
  return {
    sequence: integer(row, "sequence"),
    time: integer(row, "time"),
    event: text(row, "event"),
    tenant: text(row, "tenant"),
    operator: text(row, "operator"),
    detailsJson: text(row, "details"),
    hash: text(row, "hash"),
  };
}

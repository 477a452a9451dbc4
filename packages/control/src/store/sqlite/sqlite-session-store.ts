import type { SQLInputValue } from "node:sqlite";
import type { SessionEnd, SessionHistoryFilter, SessionRecord, SessionStarted } from "../session-record.ts";
import type { SessionStore } from "../store.ts";
import { pageLimit } from "./page-limit.ts";
import { integer, optionalInteger, type Row, text } from "./row.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";

const DEFAULT_PAGE = 100;

/** {@link SessionStore} in SQLite. */
export class SqliteSessionStore implements SessionStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  started(session: SessionStarted): Promise<void> {
    return this.#database.write((sql) => {
      sql.run(
        `INSERT INTO sessions (id, operator, tenant, target, reason, ticket, source_address, started_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        session.id,
        session.operator,
        session.tenant,
        session.target,
        session.reason,
        session.ticket,
        session.sourceAddress,
        session.startedAt,
      );
    });
  }

  ended(id: string, end: SessionEnd): Promise<void> {
    return this.#database.write((sql) => {
      sql.run(
        `UPDATE sessions SET ended_at = ?, close_code = ?, bytes_to_tenant = ?, bytes_to_remote = ?
         WHERE id = ? AND ended_at IS NULL`,
        end.endedAt,
        end.closeCode,
        end.bytesToTenant,
        end.bytesToRemote,
        id,
      );
    });
  }

  endAbandoned(at: number, closeCode: string): Promise<number> {
    return this.#database.write((sql) =>
      sql.run("UPDATE sessions SET ended_at = ?, close_code = ? WHERE ended_at IS NULL", at, closeCode),
    );
  }

  history(filter: SessionHistoryFilter = {}): Promise<readonly SessionRecord[]> {
    return this.#database.read((sql) => {
      const values: SQLInputValue[] = [];
      const conditions = ["1 = 1"];
      const narrow = (condition: string, value: string | number | undefined): void => {
        if (value === undefined) return;
        conditions.push(condition);
        values.push(value);
      };
      narrow("tenant = ?", filter.tenant);
      narrow("operator = ?", filter.operator);
      narrow("started_at < ?", filter.startedBefore);
      const query = `SELECT * FROM sessions WHERE ${conditions.join(" AND ")} ORDER BY started_at DESC, id LIMIT ?`;
      return sql.all(query, ...values, pageLimit(filter.limit, DEFAULT_PAGE)).map(toRecord);
    });
  }
}

function toRecord(row: Row): SessionRecord {
  return {
    id: text(row, "id"),
    operator: text(row, "operator"),
    tenant: text(row, "tenant"),
    target: text(row, "target"),
    reason: text(row, "reason"),
    ticket: text(row, "ticket"),
    sourceAddress: text(row, "source_address"),
    startedAt: integer(row, "started_at"),
    end: toEnd(row),
  };
}

function toEnd(row: Row): SessionEnd | undefined {
  const endedAt = optionalInteger(row, "ended_at");
  if (endedAt === undefined) return undefined;
  return {
    endedAt,
    closeCode: text(row, "close_code"),
    bytesToTenant: integer(row, "bytes_to_tenant"),
    bytesToRemote: integer(row, "bytes_to_remote"),
  };
}

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { ensurePrivateFile } from "../../identity/index.ts";
import { GroupCommit } from "./group-commit.ts";
import type { Row } from "./row.ts";
import { fromSqliteError, sqliteResultCode } from "./sqlite-error.ts";

/**
 * How statements are run inside {@link SqliteDatabase.read} and {@link SqliteDatabase.write}. Integers are read as
 * bigint.
 */
export interface Sql {
  get(text: string, ...values: SQLInputValue[]): Row | undefined;
  all(text: string, ...values: SQLInputValue[]): readonly Row[];
  /** @returns the number of rows that were written. */
  run(text: string, ...values: SQLInputValue[]): number;
}

/** How {@link SqliteDatabase.open} sets the database up. */
export interface SqliteDatabaseOptions {
  /** How long a write waits while another process writes, in milliseconds. Default: 5,000. */
  readonly busyTimeoutMs?: number;
}

const DEFAULT_BUSY_TIMEOUT_MS = 5_000;
/** SQLite itself waits only this long, since it blocks the whole process while it waits; the rest is waited outside. */
const BLOCKING_WAIT_MS = 10;
const RETRY_MS = 20;
const MAX_WAITING_WRITES = 10_000;
const SQLITE_BUSY = 5;

/** One SQLite file, opened for durable writing by several processes at once. */
export class SqliteDatabase {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #busyTimeoutMs: number;
  readonly #writes: GroupCommit;
  #state: "open" | "closing" = "open";
  // INVARIANT: bounded by the number of different texts in store/sqlite/, since no value is ever written into a text.
  readonly #statements = new Map<string, StatementSync>();
  readonly #sql: Sql = {
    get: (text, ...values) => this.#statement(text).get(...values),
    all: (text, ...values) => this.#statement(text).all(...values),
    run: (text, ...values) => Number(this.#statement(text).run(...values).changes),
  };

  private constructor(path: string, database: DatabaseSync, busyTimeoutMs: number) {
    this.path = path;
    this.#database = database;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#writes = new GroupCommit({
      begin: (deadline) => whileBusy(deadline, () => database.exec("BEGIN IMMEDIATE")),
      exec: (script) => database.exec(script),
      inTransaction: () => database.isTransaction,
    });
  }

  /**
   * Opens the file, or makes it (0600), with a write-ahead log that is flushed at each commit.
   * @throws DrawbridgeError `home-missing` without the directory, `home-invalid`, `unavailable`.
   */
  static async open(path: string, options: SqliteDatabaseOptions = {}): Promise<SqliteDatabase> {
    const busyTimeoutMs = options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS;
    await ensurePrivateFile(path);
    let database: DatabaseSync | undefined;
    try {
      const opened = new DatabaseSync(path, {
        timeout: BLOCKING_WAIT_MS,
        enableForeignKeyConstraints: true,
        defensive: true,
        readBigInts: true,
      });
      database = opened;
      // Turning a fresh file to WAL needs it alone: two processes that start together meet here.
      await whileBusy(performance.now() + busyTimeoutMs, () => opened.exec("PRAGMA journal_mode = WAL"));
      opened.exec("PRAGMA synchronous = FULL");
      return new SqliteDatabase(path, opened, busyTimeoutMs);
    } catch (error) {
      database?.close();
      throw fromSqliteError(error, path);
    }
  }

  /**
   * Runs statements that only read. Each sees a consistent state by itself; several that must agree belong in {@link
   * write}.
   */
  async read<T>(work: (sql: Sql) => T): Promise<T> {
    this.#refuseClosed();
    try {
      return await whileBusy(this.#deadline(), () => work(this.#sql));
    } catch (error) {
      throw fromSqliteError(error, this.path);
    }
  }

  /**
   * Runs statements in one transaction, which is taken for writing from its start, so that it never fails for having
   * read before another process wrote. It is undone when `work` throws, and durable once the promise resolves. Writes
   * are done in the order in which they were asked for; those that wait share a transaction, and so a flush of the disk.
   */
  async write<T>(work: (sql: Sql) => T): Promise<T> {
    this.#refuseClosed();
    if (this.#writes.waiting >= MAX_WAITING_WRITES) {
      throw new DrawbridgeError("limit-exceeded", `${this.path}: ${MAX_WAITING_WRITES} writes are waiting already`);
    }
    try {
      return await this.#writes.write(() => work(this.#sql), this.#deadline());
    } catch (error) {
      throw fromSqliteError(error, this.path);
    }
  }

  /** Runs a script of several statements inside {@link write}: for migrations. */
  script(text: string): void {
    this.#database.exec(text);
  }

  /** Closes once the writes that were asked for are done; may be called twice. */
  async close(): Promise<void> {
    this.#state = "closing";
    await this.#writes.settled();
    if (!this.#database.isOpen) return;
    this.#statements.clear();
    this.#database.close();
  }

  /** Counted from the call, so that writes that wait behind each other do not add their waits up. */
  #deadline(): number {
    return performance.now() + this.#busyTimeoutMs;
  }

  #refuseClosed(): void {
    if (this.#state === "closing") throw new DrawbridgeError("closed", "the store is closed");
  }

  #statement(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

/** Tries again while another process has the file locked, and lets this process go on with other work meanwhile. */
async function whileBusy<T>(deadline: number, work: () => T): Promise<T> {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (sqliteResultCode(error) !== SQLITE_BUSY || performance.now() >= deadline) throw error;
      // At random, so that two processes don't keep meeting.
      await sleep(Math.random() * RETRY_MS);
    }
  }
}

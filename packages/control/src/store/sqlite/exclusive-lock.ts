import { DatabaseSync } from "node:sqlite";
import { ensurePrivateFile } from "../../identity/index.ts";
import { fromSqliteError, sqliteResultCode } from "./sqlite-error.ts";

const SQLITE_BUSY = 5;

/**
 * A lock that one process holds until it releases it or dies, in whatever way: the system's own file lock, which Node
 * offers by way of SQLite only. It leaves nothing stale behind, as a file with a process id would.
 */
export class ExclusiveLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Takes the lock.
   * @param path a file for the lock alone, which is made (0600) where it is not there, and stays.
   * @returns undefined where it is held already.
   * @throws DrawbridgeError `home-missing` without the directory; `home-invalid`.
   */
  static async take(path: string): Promise<ExclusiveLock | undefined> {
    await ensurePrivateFile(path);
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { timeout: 0 });
      database.exec("BEGIN EXCLUSIVE");
      return new ExclusiveLock(database);
    } catch (error) {
      database?.close();
      if (sqliteResultCode(error) === SQLITE_BUSY) return undefined;
      throw fromSqliteError(error, path);
    }
  }

  /** Gives the lock up. May be called twice. */
  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

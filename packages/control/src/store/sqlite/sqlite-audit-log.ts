import type { AuditStore } from "../store.ts";
import { migrate } from "./migrate.ts";
import { AUDIT_TABLES } from "./migrations/audit-tables.ts";
import type { Migration } from "./migrations/migration.ts";
import { SqliteAuditStore } from "./sqlite-audit-store.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

/** An audit log that stands alone in its file. */
export interface AuditLogFile {
  readonly audit: AuditStore;
  /** Gives the file up once the writes that were asked for are done; may be called twice. */
  close(): Promise<void>;
}

const MIGRATIONS: readonly Migration[] = [{ version: 1, script: AUDIT_TABLES }];

/**
 * Opens an audit log in one SQLite file, which is made (0600) where it is not there. Several processes may use it at
 * once.
 * @param now milliseconds since the Unix epoch.
 * @throws DrawbridgeError `home-missing` without the directory; `home-invalid`; `unavailable`.
 */
export async function openSqliteAuditLog(path: string, now: number): Promise<AuditLogFile> {
  const database = await SqliteDatabase.open(path);
  try {
    await migrate(database, now, MIGRATIONS);
  } catch (error) {
    await database.close();
    throw error;
  }
  return { audit: new SqliteAuditStore(database), close: () => database.close() };
}

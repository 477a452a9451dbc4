import { DrawbridgeError } from "@drawbridge/dataplane";
import { MIGRATIONS } from "./migrations/index.ts";
import type { Migration } from "./migrations/migration.ts";
import { integer } from "./row.ts";
import type { Sql, SqliteDatabase } from "./sqlite-database.ts";

/**
 * Brings the schema up to date, all in one transaction; of several processes that start together, one does it.
 * @throws DrawbridgeError `home-invalid` for a database that a newer version wrote; it stays untouched.
 */
export async function migrate(
  database: SqliteDatabase,
  now: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await database.write((sql) => {
    database.script(
      "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)",
    );
    const version = presentVersion(sql);
    refuseNewer(database.path, version, migrations.length);
    for (const migration of migrations.slice(version)) {
      database.script(migration.script);
      sql.run("INSERT INTO schema_version (version, applied_at) VALUES (?, ?)", migration.version, now);
    }
  });
}

function presentVersion(sql: Sql): number {
  const row = sql.get("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version");
  return row === undefined ? 0 : integer(row, "version");
}

function refuseNewer(path: string, version: number, known: number): void {
  if (version <= known) return;
  throw new DrawbridgeError(
    "home-invalid",
    `${path} was written by a newer drawbridge: its schema is ${version}, and this version knows only up to ${known}`,
    { remedy: "Update drawbridge on this machine, or restore a backup from before the update." },
  );
}

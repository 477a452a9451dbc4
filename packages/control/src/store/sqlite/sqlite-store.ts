import type { AuditStore, InviteStore, PrincipalStore, SessionStore, Store } from "../store.ts";
import { migrate } from "./migrate.ts";
import { SqliteAuditStore } from "./sqlite-audit-store.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { SqliteInviteStore, type SqliteInviteStoreOptions } from "./sqlite-invite-store.ts";
import { SqlitePrincipalStore } from "./sqlite-principal-store.ts";
import { SqliteSessionStore } from "./sqlite-session-store.ts";

/** How {@link openSqliteStore} sets the store up. */
export interface SqliteStoreOptions {
  /** The time of day, in milliseconds since the Unix epoch. Default: the system's clock. */
  readonly now?: () => number;
  /** The most invites that may be pending at once. Default: 1,000. */
  readonly maxPendingInvites?: number;
  /** How long a write waits while another process writes, in milliseconds. Default: 5,000. */
  readonly busyTimeoutMs?: number;
}

const DEFAULT_MAX_PENDING_INVITES = 1_000;

/**
 * Opens the store in one SQLite file, which is made (0600) where it is not there, and brings its schema up to date.
 * @param path the file; SQLite keeps two more beside it while it is open, with `-wal` and `-shm` appended.
 * @throws DrawbridgeError `home-missing` without the directory; `home-invalid` for a file that others may use, that is
 * damaged, or that a newer version wrote; `unavailable`.
 */
export async function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const now = options.now ?? Date.now;
  const database = await SqliteDatabase.open(path, options);
  try {
    await migrate(database, now());
  } catch (error) {
    await database.close();
    throw error;
  }
  const maxPendingInvites = options.maxPendingInvites ?? DEFAULT_MAX_PENDING_INVITES;
  return new SqliteStore(database, { now, maxPendingInvites });
}

class SqliteStore implements Store {
  readonly principals: PrincipalStore;
  readonly invites: InviteStore;
  readonly sessions: SessionStore;
  readonly audit: AuditStore;
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase, options: SqliteInviteStoreOptions) {
    this.#database = database;
    this.principals = new SqlitePrincipalStore(database);
    this.invites = new SqliteInviteStore(database, options);
    this.sessions = new SqliteSessionStore(database);
    this.audit = new SqliteAuditStore(database);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

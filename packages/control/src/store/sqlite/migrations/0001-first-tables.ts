import { AUDIT_TABLES } from "./audit-tables.ts";
import type { Migration } from "./migration.ts";

/** Principals, invites, sessions and the audit log. */
export const firstTables: Migration = {
  version: 1,
  script: `
    CREATE TABLE principals (
      kind TEXT NOT NULL CHECK (kind IN ('tenant', 'operator')),
      name TEXT NOT NULL,
      role TEXT CHECK (role IN ('viewer', 'operator', 'admin')),
      group_names TEXT NOT NULL,
      key_fingerprint TEXT NOT NULL,
      certificate_serial TEXT NOT NULL,
      enrolled_at INTEGER NOT NULL,
      revoked_at INTEGER,
      PRIMARY KEY (kind, name),
      CHECK ((kind = 'operator') = (role IS NOT NULL))
    ) STRICT;

    CREATE TABLE tenants_seen (
      tenant TEXT PRIMARY KEY,
      software TEXT NOT NULL,
      host_name TEXT NOT NULL,
      platform TEXT NOT NULL,
      source_address TEXT NOT NULL,
      targets TEXT NOT NULL,
      last_seen INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE epochs (
      tenant TEXT PRIMARY KEY,
      epoch INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE invites (
      secret_hash TEXT PRIMARY KEY,
      kind TEXT NOT NULL CHECK (kind IN ('tenant', 'operator')),
      name TEXT NOT NULL,
      role TEXT CHECK (role IN ('viewer', 'operator', 'admin')),
      group_names TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      redeemed_at INTEGER,
      CHECK ((kind = 'operator') = (role IS NOT NULL))
    ) STRICT;
    CREATE INDEX invites_by_expiry ON invites (expires_at);

    CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      operator TEXT NOT NULL,
      tenant TEXT NOT NULL,
      target TEXT NOT NULL,
      reason TEXT NOT NULL,
      ticket TEXT NOT NULL,
      source_address TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      ended_at INTEGER,
      close_code TEXT,
      bytes_to_tenant INTEGER NOT NULL DEFAULT 0,
      bytes_to_remote INTEGER NOT NULL DEFAULT 0,
      CHECK ((ended_at IS NULL) = (close_code IS NULL))
    ) STRICT;
    CREATE INDEX sessions_by_start ON sessions (started_at);
    CREATE INDEX sessions_open ON sessions (id) WHERE ended_at IS NULL;

    ${AUDIT_TABLES}
  `,
};

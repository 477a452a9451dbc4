import { DrawbridgeError } from "@drawbridge/dataplane";
import type { PrincipalKind } from "../../identity/index.ts";
import type { EnrolledCredential, PrincipalRecordOf, TenantSeen } from "../principal-record.ts";
import type { PrincipalStore } from "../store.ts";
import { findPrincipal, listPrincipals } from "./principal-rows.ts";
import { integer } from "./row.ts";
import type { SqliteDatabase } from "./sqlite-database.ts";

/** {@link PrincipalStore} in SQLite. */
export class SqlitePrincipalStore implements PrincipalStore {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  find<K extends PrincipalKind>(kind: K, name: string): Promise<PrincipalRecordOf<K> | undefined> {
    return this.#database.read((sql) => findPrincipal(sql, kind, name) as PrincipalRecordOf<K> | undefined);
  }

  list<K extends PrincipalKind>(kind: K): Promise<readonly PrincipalRecordOf<K>[]> {
    return this.#database.read((sql) => listPrincipals(sql, kind) as readonly PrincipalRecordOf<K>[]);
  }

  setRevoked(kind: PrincipalKind, name: string, at: number): Promise<boolean> {
    return this.#database.write((sql) => {
      sql.run("DELETE FROM invites WHERE kind = ? AND name = ? AND redeemed_at IS NULL", kind, name);
      const update = "UPDATE principals SET revoked_at = COALESCE(revoked_at, ?) WHERE kind = ? AND name = ?";
      return sql.run(update, at, kind, name) > 0;
    });
  }

  recordRenewal(kind: PrincipalKind, name: string, credential: EnrolledCredential): Promise<void> {
    return this.#database.write((sql) => {
      const record = findPrincipal(sql, kind, name);
      if (record?.state === "revoked") {
        throw new DrawbridgeError("revoked", `the access of ${kind} ${name} was revoked`, { remedy: NEW_INVITE });
      }
      if (record?.keyFingerprint !== credential.keyFingerprint) {
        const message = `${kind} ${name} is not enrolled with this key`;
        throw new DrawbridgeError("unauthenticated", message, { remedy: NEW_INVITE });
      }
      const update = "UPDATE principals SET certificate_serial = ? WHERE kind = ? AND name = ?";
      sql.run(update, credential.certificateSerial, kind, name);
    });
  }

  recordTenantSeen(tenant: string, seen: TenantSeen): Promise<void> {
    return this.#database.write((sql) => {
      sql.run(
        `INSERT INTO tenants_seen (tenant, software, host_name, platform, source_address, targets, last_seen)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant) DO UPDATE SET
           software = excluded.software, host_name = excluded.host_name, platform = excluded.platform,
           source_address = excluded.source_address, targets = excluded.targets, last_seen = excluded.last_seen`,
        tenant,
        seen.software,
        seen.hostName,
        seen.platform,
        seen.sourceAddress,
        JSON.stringify(seen.targets.map(({ name, address }) => ({ name, address }))),
        seen.lastSeen,
      );
    });
  }

  nextEpoch(tenant: string): Promise<number> {
    return this.#database.write((sql) => {
      const row = sql.get(
        `INSERT INTO epochs (tenant, epoch) VALUES (?, 1)
         ON CONFLICT (tenant) DO UPDATE SET epoch = epochs.epoch + 1
         RETURNING epoch`,
        tenant,
      );
      if (row === undefined) throw new DrawbridgeError("internal", `no epoch was made for ${tenant}`);
      return integer(row, "epoch");
    });
  }
}

const NEW_INVITE = "Ask the provider for a new invite code, then enrol again.";

import { DrawbridgeError } from "@drawbridge/dataplane";
import type { PrincipalKind } from "../../identity/index.ts";
import type { Invite } from "../invite-record.ts";
import type { EnrolledCredential, PrincipalRecord } from "../principal-record.ts";
import type { InviteStore } from "../store.ts";
import { findPrincipal, putPrincipal, toRole } from "./principal-rows.ts";
import { integer, optionalInteger, type Row, text, textList } from "./row.ts";
import type { Sql, SqliteDatabase } from "./sqlite-database.ts";

/** How long an invite that is over is kept, so that "expired" and "spent" can be told from "unknown". */
const KEEP_OVER_MS = 7 * 24 * 60 * 60 * 1000;
/** The most invites that are kept although they are over. */
const MAX_KEPT_OVER = 10_000;

/** What {@link SqliteInviteStore} needs to know. */
export interface SqliteInviteStoreOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The most invites that may be pending at once. */
  readonly maxPendingInvites: number;
}

/** {@link InviteStore} in SQLite. */
export class SqliteInviteStore implements InviteStore {
  readonly #database: SqliteDatabase;
  readonly #options: SqliteInviteStoreOptions;

  constructor(database: SqliteDatabase, options: SqliteInviteStoreOptions) {
    this.#database = database;
    this.#options = options;
  }

  create(invite: Invite): Promise<void> {
    const now = this.#options.now();
    return this.#database.write((sql) => {
      purge(sql, now);
      this.#refuseTooMany(sql, now);
      sql.run(
        `INSERT INTO invites (secret_hash, kind, name, role, group_names, created_by, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        invite.secretHash,
        invite.kind,
        invite.name,
        invite.kind === "operator" ? invite.role : null,
        JSON.stringify(sorted(invite.groups)),
        invite.createdBy,
        now,
        invite.expiresAt,
      );
    });
  }

  check(secretHash: string, kind: PrincipalKind, now: number): Promise<Invite> {
    return this.#database.read((sql) => pendingInvite(sql, secretHash, kind, now));
  }

  redeem(
    secretHash: string,
    kind: PrincipalKind,
    now: number,
    credential: EnrolledCredential,
  ): Promise<PrincipalRecord> {
    return this.#database.write((sql) => {
      const invite = pendingInvite(sql, secretHash, kind, now);
      sql.run("UPDATE invites SET redeemed_at = ? WHERE secret_hash = ?", now, secretHash);
      const record = enrol(invite, findPrincipal(sql, kind, invite.name), now, credential);
      putPrincipal(sql, record);
      return record;
    });
  }

  #refuseTooMany(sql: Sql, now: number): void {
    const pending = "SELECT COUNT(*) AS pending FROM invites WHERE redeemed_at IS NULL AND expires_at > ?";
    const row = sql.get(pending, now);
    if (row === undefined || integer(row, "pending") < this.#options.maxPendingInvites) return;
    const message = `${this.#options.maxPendingInvites} invites are pending already`;
    throw new DrawbridgeError("limit-exceeded", message, {
      remedy: "Wait until some of them are redeemed or expire, then make new ones.",
      limit: "pendingInvites",
    });
  }
}

function purge(sql: Sql, now: number): void {
  sql.run("DELETE FROM invites WHERE expires_at <= ?", now - KEEP_OVER_MS);
  sql.run(
    `DELETE FROM invites WHERE secret_hash IN (
       SELECT secret_hash FROM invites WHERE redeemed_at IS NOT NULL OR expires_at <= ?
       ORDER BY expires_at DESC LIMIT 1000 OFFSET ?)`,
    now,
    MAX_KEPT_OVER,
  );
}

function pendingInvite(sql: Sql, secretHash: string, kind: PrincipalKind, now: number): Invite {
  const row = sql.get(
    `SELECT secret_hash, kind, name, role, group_names, created_by, expires_at, redeemed_at
     FROM invites WHERE secret_hash = ?`,
    secretHash,
  );
  if (row === undefined) throw refused("no invite has this code; it was mistyped, withdrawn, or is long over");
  const invite = toInvite(row);
  const subject = `the invite for ${invite.kind} ${invite.name}`;
  const redeemedAt = optionalInteger(row, "redeemed_at");
  if (redeemedAt !== undefined) throw refused(`${subject} was redeemed already, at ${isoTime(redeemedAt)}`);
  if (invite.expiresAt <= now) throw refused(`${subject} expired at ${isoTime(invite.expiresAt)}`);
  if (invite.kind !== kind) {
    const remedy = `Run \`drawbridge ${invite.kind} enroll\` with this code; it is still good.`;
    throw new DrawbridgeError(
      "invite-invalid",
      `${subject} cannot enrol ${kind === "tenant" ? "a tenant" : "an operator"}`,
      { remedy },
    );
  }
  return invite;
}

function toInvite(row: Row): Invite {
  const base = {
    name: text(row, "name"),
    groups: textList(row, "group_names"),
    secretHash: text(row, "secret_hash"),
    expiresAt: integer(row, "expires_at"),
    createdBy: text(row, "created_by"),
  };
  if (row["kind"] === "tenant") return { kind: "tenant", ...base };
  return { kind: "operator", ...base, role: toRole(text(row, "role")) };
}

function enrol(
  invite: Invite,
  before: PrincipalRecord | undefined,
  now: number,
  { keyFingerprint, certificateSerial }: EnrolledCredential,
): PrincipalRecord {
  const { name, groups } = invite;
  const state = { state: "active", enrolledAt: now, revokedAt: undefined } as const;
  const base = { name, groups, keyFingerprint, certificateSerial, ...state };
  if (invite.kind === "operator") return { kind: "operator", ...base, role: invite.role };
  const seen = before?.kind === "tenant" ? before.seen : undefined;
  return { kind: "tenant", ...base, groups: groups.length > 0 ? groups : (before?.groups ?? []), seen };
}

function sorted(groups: readonly string[]): string[] {
  return [...new Set(groups)].sort();
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

function refused(message: string): DrawbridgeError {
  return new DrawbridgeError("invite-invalid", message, { remedy: "Ask the provider for a new invite code." });
}

import type { PrincipalKind } from "../../identity/index.ts";
import type { OperatorRole, PrincipalRecord, SeenTarget, TenantSeen } from "../principal-record.ts";
import { integer, optionalInteger, type Row, text, textList } from "./row.ts";
import type { Sql } from "./sqlite-database.ts";

const SELECT = `
  SELECT p.kind, p.name, p.role, p.group_names, p.key_fingerprint, p.certificate_serial, p.enrolled_at, p.revoked_at,
         s.software, s.host_name, s.platform, s.source_address, s.targets, s.last_seen
  FROM principals p LEFT JOIN tenants_seen s ON p.kind = 'tenant' AND s.tenant = p.name`;

/** The record of a name, inside a transaction or alone. */
export function findPrincipal(sql: Sql, kind: PrincipalKind, name: string): PrincipalRecord | undefined {
  const row = sql.get(`${SELECT} WHERE p.kind = ? AND p.name = ?`, kind, name);
  return row === undefined ? undefined : toRecord(row);
}

/** All records of a kind in the order of their names. */
export function listPrincipals(sql: Sql, kind: PrincipalKind): readonly PrincipalRecord[] {
  return sql.all(`${SELECT} WHERE p.kind = ? ORDER BY p.name`, kind).map(toRecord);
}

/** Writes a record, in place of one of the same name; what was seen of a tenant is not touched. */
export function putPrincipal(sql: Sql, record: PrincipalRecord): void {
  sql.run(
    `INSERT INTO principals
       (kind, name, role, group_names, key_fingerprint, certificate_serial, enrolled_at, revoked_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (kind, name) DO UPDATE SET
       role = excluded.role, group_names = excluded.group_names, key_fingerprint = excluded.key_fingerprint,
       certificate_serial = excluded.certificate_serial, enrolled_at = excluded.enrolled_at,
       revoked_at = excluded.revoked_at`,
    record.kind,
    record.name,
    record.kind === "operator" ? record.role : null,
    JSON.stringify(record.groups),
    record.keyFingerprint,
    record.certificateSerial,
    record.enrolledAt,
    record.revokedAt ?? null,
  );
}

function toRecord(row: Row): PrincipalRecord {
  const revokedAt = optionalInteger(row, "revoked_at");
  const base = {
    name: text(row, "name"),
    groups: textList(row, "group_names"),
    state: revokedAt === undefined ? ("active" as const) : ("revoked" as const),
    keyFingerprint: text(row, "key_fingerprint"),
    certificateSerial: text(row, "certificate_serial"),
    enrolledAt: integer(row, "enrolled_at"),
    revokedAt,
  };
  if (row["kind"] === "tenant") return { kind: "tenant", ...base, seen: toSeen(row) };
  return { kind: "operator", ...base, role: toRole(text(row, "role")) };
}

/** The table's CHECK admits no other text. */
export function toRole(role: string): OperatorRole {
  return role === "viewer" || role === "admin" ? role : "operator";
}

function toSeen(row: Row): TenantSeen | undefined {
  if (row["last_seen"] === null) return undefined;
  return {
    software: text(row, "software"),
    hostName: text(row, "host_name"),
    platform: text(row, "platform"),
    sourceAddress: text(row, "source_address"),
    // Written by recordTenantSeen, and by nothing else.
    targets: JSON.parse(text(row, "targets")) as readonly SeenTarget[],
    lastSeen: integer(row, "last_seen"),
  };
}

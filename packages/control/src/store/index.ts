export { auditHash, GENESIS_HASH, type HashedFields } from "./audit-hash.ts";
export type { AuditFault, AuditFilter, AuditRecord, AuditSubject, AuditVerification } from "./audit-record.ts";
export type { Invite } from "./invite-record.ts";
export type {
  EnrolledCredential,
  OperatorRecord,
  OperatorRole,
  PrincipalRecord,
  PrincipalRecordOf,
  SeenTarget,
  TenantRecord,
  TenantSeen,
} from "./principal-record.ts";
export type { SessionEnd, SessionHistoryFilter, SessionRecord, SessionStarted } from "./session-record.ts";
export { openSqliteAuditLog, type AuditLogFile } from "./sqlite/sqlite-audit-log.ts";
export { ExclusiveLock } from "./sqlite/exclusive-lock.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite/sqlite-store.ts";
export type { AuditStore, InviteStore, PrincipalStore, SessionStore, Store } from "./store.ts";

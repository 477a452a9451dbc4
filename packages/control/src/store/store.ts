import type { PrincipalKind } from "../identity/index.ts";
import type { AuditFilter, AuditRecord, AuditSubject, AuditVerification } from "./audit-record.ts";
import type { Invite } from "./invite-record.ts";
import type { EnrolledCredential, PrincipalRecord, PrincipalRecordOf, TenantSeen } from "./principal-record.ts";
import type { SessionEnd, SessionHistoryFilter, SessionRecord, SessionStarted } from "./session-record.ts";

/**
 * What the cloud redirector keeps. Every write is durable once its promise resolves, and several processes may use the
 * same store at once.
 *
 * Any call rejects with a DrawbridgeError `closed` after {@link close}, `limit-exceeded` on a full disk, `unavailable`
 * where another process keeps the store locked, `home-invalid` where its file is damaged.
 */
export interface Store extends AsyncDisposable {
  readonly principals: PrincipalStore;
  readonly invites: InviteStore;
  readonly sessions: SessionStore;
  readonly audit: AuditStore;
  /** Gives the store up once the writes that were asked for are done; may be called twice. */
  close(): Promise<void>;
}

/** Who is enrolled, and what was last known of the tenants. */
export interface PrincipalStore {
  /** The record of a name, revoked ones included. */
  find<K extends PrincipalKind>(kind: K, name: string): Promise<PrincipalRecordOf<K> | undefined>;
  /** All of a kind in the order of their names, revoked ones included. */
  list<K extends PrincipalKind>(kind: K): Promise<readonly PrincipalRecordOf<K>[]>;
  /**
   * Takes a principal's access away, and the invites of its name that are still pending. Of one that is revoked
   * already, the time stays.
   * @returns false where no such principal is enrolled; its pending invites are gone all the same.
   */
  setRevoked(kind: PrincipalKind, name: string, at: number): Promise<boolean>;
  /**
   * Notes a renewed certificate for the enrolled key.
   * @throws DrawbridgeError `revoked` or `unauthenticated` unless the principal is active with this very key.
   */
  recordRenewal(kind: PrincipalKind, name: string, credential: EnrolledCredential): Promise<void>;
  /** Notes what an online tenant said of itself, in place of what was noted before. */
  recordTenantSeen(tenant: string, seen: TenantSeen): Promise<void>;
  /**
   * The next generation number for a control connection of the tenant: from 1, larger than any before, also across
   * restarts.
   */
  nextEpoch(tenant: string): Promise<number>;
}

/** The invites that were made; their codes are known only by a hash. */
export interface InviteStore {
  /**
   * Keeps an invite, and forgets those that are long over.
   * @throws DrawbridgeError `limit-exceeded` where too many are pending.
   */
  create(invite: Invite): Promise<void>;
  /**
   * The pending invite of a hash, without redeeming it.
   * @throws DrawbridgeError `invite-invalid`, with a text of its own for each of: unknown, spent, expired, for the
   * other kind.
   */
  check(secretHash: string, kind: PrincipalKind, now: number): Promise<Invite>;
  /**
   * Redeems an invite: in one step it is spent and its principal is active with the new key. Of two at once, one wins.
   * A name that was enrolled or revoked gets the new key in place of the old; a tenant then keeps its groups unless the
   * invite names some, an operator has the invite's role and groups.
   * @throws DrawbridgeError as {@link check}; an invite for the other kind stays good.
   */
  redeem(
    secretHash: string,
    kind: PrincipalKind,
    now: number,
    credential: EnrolledCredential,
  ): Promise<PrincipalRecord>;
}

/** The history of sessions. */
export interface SessionStore {
  started(session: SessionStarted): Promise<void>;
  /** Does nothing for a session that is unknown or has ended already. */
  ended(id: string, end: SessionEnd): Promise<void>;
  /**
   * Ends the sessions that were open when the cloud redirector died; their bytes are not known and stay 0. For its
   * start.
   * @returns how many there were.
   */
  endAbandoned(at: number, closeCode: string): Promise<number>;
  /** The newest first. */
  history(filter?: SessionHistoryFilter): Promise<readonly SessionRecord[]>;
}

/** The audit log: append-only and hash-chained. */
export interface AuditStore {
  /**
   * Writes a record at the end.
   * @param event what happened, in kebab-case, at most 64 characters.
   * @param at milliseconds since the Unix epoch.
   * @throws DrawbridgeError `invalid-argument` or `limit-exceeded` for a record that may not be written.
   */
  append(event: string, subject: AuditSubject, at: number): Promise<AuditRecord>;
  /** A page of records in order; an empty one is the end for now. */
  read(filter?: AuditFilter): Promise<readonly AuditRecord[]>;
  /** Walks the whole chain, in pages, while records may be appended. */
  verify(signal?: AbortSignal): Promise<AuditVerification>;
}

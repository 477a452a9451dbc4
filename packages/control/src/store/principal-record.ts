import type { PrincipalKind } from "../identity/index.ts";

/** What an operator may do; each role includes the one before it. */
export type OperatorRole = "viewer" | "operator" | "admin";

/** What enrolment binds to a principal. */
export interface EnrolledCredential {
  /** SHA-256 of the DER SubjectPublicKeyInfo, 64 lower-case hex digits. */
  readonly keyFingerprint: string;
  /** The serial number of the newest certificate, lower-case hex. */
  readonly certificateSerial: string;
}

interface PrincipalRecordBase extends EnrolledCredential {
  readonly name: string;
  /** A tenant's own groups, or the groups that an operator may reach (none: all). In the order of their names. */
  readonly groups: readonly string[];
  readonly state: "active" | "revoked";
  /** When the present key was enrolled, in milliseconds since the Unix epoch. */
  readonly enrolledAt: number;
  /** Milliseconds since the Unix epoch; undefined while active. */
  readonly revokedAt: number | undefined;
}

/** An enrolled tenant. */
export interface TenantRecord extends PrincipalRecordBase {
  readonly kind: "tenant";
  /** What was known when it was last online; undefined when it never was. */
  readonly seen: TenantSeen | undefined;
}

/** An enrolled operator. */
export interface OperatorRecord extends PrincipalRecordBase {
  readonly kind: "operator";
  readonly role: OperatorRole;
}

/** An enrolled principal. */
export type PrincipalRecord = TenantRecord | OperatorRecord;

/** The record of one kind. */
export type PrincipalRecordOf<K extends PrincipalKind> = Extract<PrincipalRecord, { kind: K }>;

/** What a tenant redirector said of itself when it was last online; the fields are those of `drawbridge.v1.Hello`. */
export interface TenantSeen {
  readonly software: string;
  readonly hostName: string;
  readonly platform: string;
  /** The address that it connected from, as the cloud redirector saw it. */
  readonly sourceAddress: string;
  readonly targets: readonly SeenTarget[];
  /** Milliseconds since the Unix epoch. */
  readonly lastSeen: number;
}

/** A target as its tenant announced it. */
export interface SeenTarget {
  readonly name: string;
  /** `host:port`, for people only; may be empty. */
  readonly address: string;
}

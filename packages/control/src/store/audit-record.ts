/** Whom a record of the audit log is about, and the particulars. */
export interface AuditSubject {
  /** The tenant's name. Default: none. */
  readonly tenant?: string;
  /** The operator's name. Default: none. */
  readonly operator?: string;
  /** A JSON object; at most 64 KiB as text. Must never hold a secret. Default: empty. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** One record of the audit log, as it was hashed. */
export interface AuditRecord {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  /** What happened, in kebab-case. */
  readonly event: string;
  /** Empty when it is about no tenant. */
  readonly tenant: string;
  /** Empty when it is about no operator. */
  readonly operator: string;
  /** The particulars: the very text of the JSON object that went into the hash. */
  readonly detailsJson: string;
  /** SHA-256 over the hash before it and this record (see audit-hash.ts), 64 lower-case hex digits. */
  readonly hash: string;
}

/** Which records are wanted; all fields narrow. */
export interface AuditFilter {
  /** Only records of this time or later, in milliseconds since the Unix epoch. */
  readonly since?: number;
  readonly tenant?: string;
  readonly operator?: string;
  /** Only records after this one: the last one of the page before. Default: 0. */
  readonly afterSequence?: number;
  /** 1 to 1,000. Default: 500. */
  readonly limit?: number;
}

/**
 * What is wrong with the first broken record: `changed` in any field; `missing` altogether; `reordered`, its content
 * stands further down; `added`, not by way of the log.
 */
export type AuditFault = "changed" | "missing" | "reordered" | "added";

/** Whether the chain holds. */
export type AuditVerification =
  | {
      readonly state: "intact";
      readonly records: number;
      /** The last record's hash, 64 hex digits, to compare with a copy kept elsewhere; 64 zeros for an empty log. */
      readonly headHash: string;
    }
  | {
      readonly state: "broken";
      /** The sequence number of the first broken record. */
      readonly sequence: number;
      readonly fault: AuditFault;
      /** For people, one line. */
      readonly text: string;
    };

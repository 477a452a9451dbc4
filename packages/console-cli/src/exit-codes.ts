import type { ErrorCode } from "@drawbridge/dataplane";

/** What the process's exit code says. Other programs depend on these. */
export const EXIT = {
  done: 0,
  /** Wrong use: another command line, or another home, is needed; the same again would fail again. */
  wrongUse: 2,
  /** Refused: rights, policy or consent. */
  refused: 3,
  /** Unreachable: the same again may succeed later. */
  unreachable: 4,
  /** Failed in use, and all that is nobody's fault but ours. */
  failed: 5,
} as const;

/** One of {@link EXIT}'s values. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * The exit code of every error. Exhaustive: a new error code does not compile until it stands here.
 *
 * A name that does not exist (a tenant, a target, a session) is wrong use, because only another command line helps.
 * `cancelled` is an error here; a command that its own user cancelled reports nothing and is done.
 */
export const EXIT_CODES: Readonly<Record<ErrorCode, ExitCode>> = {
  "invalid-argument": EXIT.wrongUse,
  "tenant-not-found": EXIT.wrongUse,
  "target-not-found": EXIT.wrongUse,
  "session-not-found": EXIT.wrongUse,
  "address-in-use": EXIT.wrongUse,
  "home-missing": EXIT.wrongUse,
  "home-invalid": EXIT.wrongUse,
  "home-exists": EXIT.wrongUse,

  unauthenticated: EXIT.refused,
  "permission-denied": EXIT.refused,
  "consent-refused": EXIT.refused,
  "consent-expired": EXIT.refused,
  "invite-invalid": EXIT.refused,
  "certificate-invalid": EXIT.refused,
  revoked: EXIT.refused,

  "tenant-offline": EXIT.unreachable,
  "target-unreachable": EXIT.unreachable,
  "handshake-timeout": EXIT.unreachable,
  "dial-failed": EXIT.unreachable,
  "shutting-down": EXIT.unreachable,
  unavailable: EXIT.unreachable,

  "tenant-lost": EXIT.failed,
  "token-invalid": EXIT.failed,
  "protocol-violation": EXIT.failed,
  "limit-exceeded": EXIT.failed,
  superseded: EXIT.failed,
  idle: EXIT.failed,
  expired: EXIT.failed,
  cancelled: EXIT.failed,
  closed: EXIT.failed,
  internal: EXIT.failed,
};

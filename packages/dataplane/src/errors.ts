/** Every code that a {@link DrawbridgeError} can carry; the same text travels in `drawbridge.v1.Refusal.code`. */
export const ERROR_CODES = [
  "unauthenticated",
  "permission-denied",
  "invalid-argument",
  "tenant-offline",
  "tenant-not-found",
  "tenant-lost",
  "target-not-found",
  "target-unreachable",
  "consent-refused",
  "consent-expired",
  "session-not-found",
  "invite-invalid",
  "token-invalid",
  "handshake-timeout",
  "protocol-violation",
  "limit-exceeded",
  "dial-failed",
  "address-in-use",
  "home-missing",
  "home-invalid",
  "home-exists",
  "certificate-invalid",
  "superseded",
  "revoked",
  "shutting-down",
  "idle",
  "expired",
  "cancelled",
  "closed",
  "unavailable",
  "internal",
] as const;

/** Why something was refused, failed or ended, for programs. */
export type ErrorCode = (typeof ERROR_CODES)[number];

const known: ReadonlySet<string> = new Set(ERROR_CODES);

/** Tells whether a text, for example one received from a peer, is one of our codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return known.has(text);
}

/** What a {@link DrawbridgeError} may carry beside its code and message. */
export interface DrawbridgeErrorOptions {
  /** For people: what to do next. Default: empty. */
  readonly remedy?: string;
  /** The error that led to this one; for logs, never shown to a peer. */
  readonly cause?: unknown;
  /** Of `limit-exceeded`: which limit, as its setting is called; for metrics, never told to a peer. */
  readonly limit?: string | undefined;
}

/** The one error class of Drawbridge. `message` says what happened, and to what; it never holds a secret. */
export class DrawbridgeError extends Error {
  readonly code: ErrorCode;
  /** For people: what to do next; may be empty. */
  readonly remedy: string;
  /** Of `limit-exceeded`: which limit, as its setting is called; for metrics, never told to a peer. */
  readonly limit?: string;

  constructor(code: ErrorCode, message: string, options: DrawbridgeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "DrawbridgeError";
    this.code = code;
    this.remedy = options.remedy ?? "";
    if (options.limit !== undefined) this.limit = options.limit;
  }
}

/**
 * Makes a DrawbridgeError of whatever was thrown: one of ours passes through, an abort becomes `cancelled` (or the
 * DrawbridgeError that was given to the signal as its reason), all else takes `fallback` (default `internal`).
 */
export function toDrawbridgeError(error: unknown, fallback: ErrorCode = "internal"): DrawbridgeError {
  if (error instanceof DrawbridgeError) return error;
  if (error instanceof Error) {
    if (error.cause instanceof DrawbridgeError && error.name === "AbortError") return error.cause;
    if (error.name === "AbortError")
      return new DrawbridgeError("cancelled", "the operation was cancelled", { cause: error });
    return new DrawbridgeError(fallback, error.message, { cause: error });
  }
  return new DrawbridgeError(fallback, String(error), { cause: error });
}

/** The error of an aborted signal: its reason when that is one of ours, else `cancelled`. */
export function abortError(signal: AbortSignal): DrawbridgeError {
  const reason: unknown = signal.reason;
  if (reason instanceof DrawbridgeError) return reason;
  return new DrawbridgeError("cancelled", "the operation was cancelled", { cause: reason });
}

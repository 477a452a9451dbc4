import { DrawbridgeError, toDrawbridgeError, type ErrorCode } from "./errors.ts";

/** Why something with a lifetime ended. A peer that hangs up is a close reason, not an error. */
export interface CloseReason {
  readonly code: ErrorCode;
  /** For people: what happened, and to what. */
  readonly message: string;
  /** For people: what to do next. */
  readonly remedy?: string;
  /** Of `limit-exceeded`: which limit, as its setting is called; for metrics, never told to a peer. */
  readonly limit?: string;
}

/** Makes a close reason; an empty remedy is left out. */
export function closeReason(code: ErrorCode, message: string, remedy = ""): CloseReason {
  return remedy === "" ? { code, message } : { code, message, remedy };
}

/** The close reason of something that a limit ends. */
export const limitReason = (limit: string, message: string): CloseReason => ({
  code: "limit-exceeded",
  message,
  limit,
});

/** The close reason of whatever was thrown; see {@link toDrawbridgeError}. */
export function closeReasonFrom(error: unknown, fallback?: ErrorCode): CloseReason {
  const { code, message, remedy, limit } = toDrawbridgeError(error, fallback);
  const reason = closeReason(code, message, remedy);
  return limit === undefined ? reason : { ...reason, limit };
}

/** The error that says what a close reason says, for callers that throw. */
export function closeReasonError(reason: CloseReason): DrawbridgeError {
  return new DrawbridgeError(reason.code, reason.message, reason.remedy === undefined ? {} : { remedy: reason.remedy });
}

import { DrawbridgeError, type ErrorCode } from "@drawbridge/dataplane";

interface Translation {
  readonly code: ErrorCode;
  /** Completed with the path in front. */
  readonly what: string;
  readonly remedy: string;
}

const LOCKED: Translation = {
  code: "unavailable",
  what: "is kept locked by another process",
  remedy: "Try again; see which other program has the file open.",
};

const FORBIDDEN: Translation = {
  code: "home-invalid",
  what: "may not be opened or written by this user",
  remedy: "Run as the user that owns the home, or give it to this user (chown).",
};

const DAMAGED: Translation = {
  code: "home-invalid",
  what: "is damaged, or is not a database of Drawbridge",
  remedy: "Restore the file from a backup.",
};

const FULL: Translation = {
  code: "limit-exceeded",
  what: "cannot grow: the disk is full",
  remedy: "Free some space on this disk, then try again.",
};

const DISK_FAILED: Translation = {
  code: "home-invalid",
  what: "cannot be read or written: the disk reports an error",
  remedy: "Check the disk and the space on it, then try again.",
};

/** SQLITE_IOERR_SHMSIZE: there is no room for the index of the write-ahead log. */
const NO_ROOM_FOR_WAL_INDEX = 4_874;

// Primary result codes: https://www.sqlite.org/rescode.html
const translations: ReadonlyMap<number, Translation> = new Map([
  [3, FORBIDDEN],
  [5, LOCKED],
  [6, LOCKED],
  [8, FORBIDDEN],
  [11, DAMAGED],
  [10, DISK_FAILED],
  [13, FULL],
  [14, FORBIDDEN],
  [23, FORBIDDEN],
  [26, DAMAGED],
]);

/** SQLite's primary result code; undefined for an error that is not SQLite's. */
export function sqliteResultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  // The upper bits hold the extended code.
  return error.errcode & 0xff;
}

/** Translates an error of node:sqlite about the database at `path` into ours. A DrawbridgeError passes through. */
export function fromSqliteError(error: unknown, path: string): DrawbridgeError {
  if (error instanceof DrawbridgeError) return error;
  const noRoom = error instanceof Error && "errcode" in error && error.errcode === NO_ROOM_FOR_WAL_INDEX;
  const translation = noRoom ? FULL : translations.get(sqliteResultCode(error) ?? -1);
  if (translation !== undefined) {
    const { code, what, remedy } = translation;
    return new DrawbridgeError(code, `${path} ${what}`, { remedy, cause: error });
  }
  const detail = error instanceof Error ? error.message : String(error);
  return new DrawbridgeError("internal", `${path}: ${detail}`, { cause: error });
}

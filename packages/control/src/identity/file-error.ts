import { DrawbridgeError, type ErrorCode } from "@drawbridge/dataplane";

interface Translation {
  readonly code: ErrorCode;
  /** Completed with the path in front: "/home/x/key.pem may not be used by this user". */
  readonly what: string;
  readonly remedy: string;
}

const PERMISSION: Translation = {
  code: "home-invalid",
  what: "may not be read or written by this user",
  remedy: "Run as the user that owns it, give it to this user (chown), or choose another directory with --home.",
};

const FULL: Translation = {
  code: "limit-exceeded",
  what: "cannot be written: the disk is full or the quota is used up",
  remedy: "Free some space on this disk, then try again.",
};

const translations: Readonly<Record<string, Translation>> = {
  ENOENT: {
    code: "home-missing",
    what: "is not there",
    remedy: "Check --home and DRAWBRIDGE_HOME; a new home is made by `drawbridge cloud init` or by enrolling.",
  },
  ENOTDIR: {
    code: "home-invalid",
    what: "cannot be used: a part of this path is a file, not a directory",
    remedy: "Choose another directory with --home.",
  },
  EISDIR: { code: "home-invalid", what: "is a directory, not a file", remedy: "Move it away, then try again." },
  EEXIST: {
    code: "home-exists",
    what: "is there already",
    remedy: "Use it, or choose another directory with --home. Nothing was overwritten.",
  },
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: {
    code: "home-invalid",
    what: "cannot be written: its file system is read-only",
    remedy: "Choose another directory with --home.",
  },
  ENOSPC: FULL,
  EDQUOT: FULL,
  EMFILE: {
    code: "limit-exceeded",
    what: "cannot be opened: this process has too many open files",
    remedy: "Raise the limit of open files (ulimit -n).",
  },
};

/** Translates an error of node:fs about a file of a home into ours. A DrawbridgeError passes through. */
export function fromFileError(error: unknown, path: string): DrawbridgeError {
  if (error instanceof DrawbridgeError) return error;
  const errno = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const { code, what, remedy } = translations[errno] ?? {
    code: "home-invalid",
    what: `cannot be used (${errno})`,
    remedy: "Check the disk, or choose another directory with --home.",
  };
  return new DrawbridgeError(code, `${path} ${what}`, { remedy, cause: error });
}

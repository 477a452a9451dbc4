import { userInfo } from "node:os";

/** The name of the account that runs this process, for audit logs. */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // An account without an entry in the system's list, as in some containers.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

import path from "node:path";

/** Whose files a home holds. One home may serve several roles: each has a folder of its own in it. */
export type HomeRole = "cloud" | "tenant" | "operator";

/**
 * The folder that holds one role's files.
 *
 * The home is the first of: `option` (the command line's `--home`), `DRAWBRIDGE_HOME`, the platform's usual place
 * (`$XDG_DATA_HOME/drawbridge` or `~/.local/share/drawbridge`; on macOS `~/Library/Application Support/Drawbridge`; on
 * Windows `%LOCALAPPDATA%\Drawbridge`). An empty value counts as absent. The role's files stand in a folder named after
 * the role.
 *
 * @param option what `--home` was given; a relative path is taken from the working directory
 * @param env the process's environment
 * @param platform the process's platform
 * @returns an absolute path; nothing is read, made or checked
 */
export function resolveHome(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  role: HomeRole,
): string {
  const paths = platform === "win32" ? path.win32 : path.posix;
  return paths.join(paths.resolve(option || env["DRAWBRIDGE_HOME"] || usualHome(env, platform)), role);
}

function usualHome(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  if (platform === "win32") {
    const local = env["LOCALAPPDATA"] || path.win32.join(env["USERPROFILE"] || "C:\\", "AppData", "Local");
    return path.win32.join(local, "Drawbridge");
  }
  const user = env["HOME"] || "/";
  if (platform === "darwin") return path.posix.join(user, "Library", "Application Support", "Drawbridge");
  // The XDG Base Directory Specification says that a relative path is invalid and must be ignored.
  const data = env["XDG_DATA_HOME"] ?? "";
  const base = path.posix.isAbsolute(data) ? data : path.posix.join(user, ".local", "share");
  return path.posix.join(base, "drawbridge");
}

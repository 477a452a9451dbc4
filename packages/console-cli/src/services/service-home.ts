import path from "node:path";
import type { ServicePlatform } from "./service-platform.ts";
import { STATE_FOLDER } from "./systemd.ts";
import { windowsFolder } from "./windows.ts";

/**
 * The home of a service: the first of `option` (`--home`), `DRAWBRIDGE_HOME`, and the place where the platform's
 * services keep their files. People's own homes are no place for a service, so the usual one of a person is not taken.
 *
 * @returns an absolute path; nothing is read, made or checked
 */
export function serviceHome(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  platform: ServicePlatform,
  name: string,
): string {
  const given = option || env["DRAWBRIDGE_HOME"];
  if (platform === "windows") return given ? path.win32.resolve(given) : path.win32.join(windowsFolder(env), name);
  if (given) return path.posix.resolve(given);
  return platform === "launchd" ? `/Library/Application Support/Drawbridge/${name}` : `${STATE_FOLDER}/${name}`;
}

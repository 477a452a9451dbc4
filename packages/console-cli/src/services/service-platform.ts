import type { ServiceDescription } from "./service-description.ts";
import { launchdPlist } from "./launchd.ts";
import { systemdUnit } from "./systemd.ts";
import { windowsDefinition, windowsFolder } from "./windows.ts";

/** The service managers that there are definitions for. */
export const SERVICE_PLATFORMS = ["systemd", "launchd", "windows"] as const;

/** One of {@link SERVICE_PLATFORMS}. */
export type ServicePlatform = (typeof SERVICE_PLATFORMS)[number];

/** The service manager of a platform; systemd's where there is none of ours, so that there is something to start from. */
export function servicePlatformOf(platform: NodeJS.Platform): ServicePlatform {
  if (platform === "win32") return "windows";
  return platform === "darwin" ? "launchd" : "systemd";
}

/** A service definition, and where it belongs. */
export interface ServiceFile {
  readonly path: string;
  readonly content: string;
}

/**
 * The definition of a service for a service manager.
 *
 * @param systemdVersion of the machine that it is for. Default: 252
 * Errors: `invalid-argument` for a path that the form cannot hold.
 */
export function serviceFile(
  platform: ServicePlatform,
  service: ServiceDescription,
  env: Readonly<Record<string, string | undefined>>,
  systemdVersion?: number,
): ServiceFile {
  const path = serviceFilePath(platform, service.name, env);
  switch (platform) {
    case "systemd":
      return { path, content: systemdUnit(service, { version: systemdVersion }) };
    case "launchd":
      return { path, content: launchdPlist(service) };
    case "windows":
      return { path, content: windowsDefinition(service, { logFolder: service.home ?? windowsFolder(env) }) };
  }
}

/** Where a service's definition belongs. */
export function serviceFilePath(
  platform: ServicePlatform,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (platform === "systemd") return `/etc/systemd/system/${name}.service`;
  if (platform === "launchd") return `/Library/LaunchDaemons/${name}.plist`;
  // Whoever can write beside a service's program decides what the service is: only administrators may here.
  return `${env["ProgramFiles"] || "C:\\Program Files"}\\Drawbridge\\${name}.xml`;
}

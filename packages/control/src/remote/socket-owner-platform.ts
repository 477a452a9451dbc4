import type { SocketOwners } from "./socket-owner.ts";
import { unknownOwner } from "./socket-owner.ts";
import { LinuxSocketOwners } from "./socket-owner-linux.ts";
import { MacosSocketOwners } from "./socket-owner-macos.ts";
import { WindowsSocketOwners } from "./socket-owner-windows.ts";

/** What tells whose a connection is on this platform. On one that we do not know, every owner is unknown. */
export function platformSocketOwners(platform: NodeJS.Platform = process.platform): SocketOwners {
  switch (platform) {
    case "linux":
      return new LinuxSocketOwners();
    case "darwin":
      return new MacosSocketOwners();
    case "win32":
      return new WindowsSocketOwners();
    default:
      return { ownerOf: async () => unknownOwner(`there is no check for ${platform}`) };
  }
}

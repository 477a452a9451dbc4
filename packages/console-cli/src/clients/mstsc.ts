import path from "node:path";
import { formatAddress } from "@drawbridge/dataplane";
import { isWsl } from "./client-environment.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { findExecutable } from "./find-executable.ts";
import type { ClientCommand, ClientTarget, RdpClient } from "./rdp-client.ts";

/**
 * Windows's own client. It is started with `/v:` rather than with an .rdp file, because since KB5083769 (April 2026) an
 * unsigned file brings up a red caution and switches redirections off.
 */
export const mstsc: RdpClient = {
  name: "mstsc",
  howToGet: "mstsc is a part of Windows; on another system choose another client.",
  displays: [],
  async find(environment) {
    const file = await findExecutable(names(environment), environment);
    return file === undefined
      ? undefined
      : {
          name: "mstsc",
          path: file,
          endsWithItself: true,
          command: (target) => mstscCommand(file, target, isWsl(environment)),
        };
  },
};

function names(environment: ClientEnvironment): string[] {
  if (environment.platform === "win32") {
    const root = environment.variables["SystemRoot"] || "C:\\Windows";
    return [path.win32.join(root, "System32", "mstsc.exe"), "mstsc.exe"];
  }
  return isWsl(environment) ? ["mstsc.exe", "/mnt/c/Windows/System32/mstsc.exe"] : [];
}

/**
 * mstsc's command line (https://learn.microsoft.com/windows-server/administration/windows-commands/mstsc).
 *
 * @param fromWsl whether mstsc is started from Linux inside Windows, whose loopback Windows reaches only as 127.0.0.1
 */
export function mstscCommand(file: string, target: ClientTarget, fromWsl: boolean): ClientCommand {
  const { address, user, size, extraArgs } = target;
  const notes: string[] = [];
  if (user !== undefined) notes.push(`mstsc takes no user name on its command line: type ${user} where it asks.`);
  if (fromWsl && address.host !== "127.0.0.1") {
    notes.push(`Windows may not reach ${address.host} inside WSL: if mstsc cannot connect, listen on 127.0.0.1.`);
  }
  const sizeArgs = size ? [`/w:${size.width}`, `/h:${size.height}`] : [];
  const args = [`/v:${formatAddress(address)}`, ...sizeArgs, ...extraArgs];
  return { file, args, notes, endsWithItself: true };
}

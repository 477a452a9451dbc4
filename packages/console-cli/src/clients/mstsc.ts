import path from "node:path";
import { formatAddress } from "@drawbridge/dataplane";
import { isWsl } from "./client-environment.ts";
import { certificateNotes } from "./certificate-note.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { findExecutable } from "./find-executable.ts";
import type { ClientCommand, ClientTarget, RdpClient } from "./rdp-client.ts";
import { rdpFile, wholeDrive } from "./rdp-file.ts";

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
 * mstsc's command line (https://learn.microsoft.com/windows-server/administration/windows-commands/mstsc). An .rdp file
 * is written only for options that it takes nowhere else.
 *
 * @param fromWsl whether mstsc is started from Linux inside Windows, whose loopback Windows reaches only as 127.0.0.1, and
 *   which cannot read our files
 */
export function mstscCommand(file: string, target: ClientTarget, fromWsl: boolean): ClientCommand {
  const { address, size, fullScreen, multiMonitor, admin, certificate, profilePath, extraArgs } = target;
  const profile = !fromWsl && needsFile(target) && profilePath !== undefined;
  const notes = [...certificateNotes("mstsc", certificate), ...lacking(target, profile)];
  if (fromWsl && address.host !== "127.0.0.1") {
    notes.push(`Windows may not reach ${address.host} inside WSL: if mstsc cannot connect, listen on 127.0.0.1.`);
  }
  const args = [
    ...(profile ? [profilePath] : [`/v:${formatAddress(address)}`]),
    ...(size ? [`/w:${size.width}`, `/h:${size.height}`] : []),
    ...(multiMonitor === true ? ["/multimon"] : fullScreen === true ? ["/f"] : []),
    ...(admin === true ? ["/admin"] : []),
    ...extraArgs,
  ];
  const written = profile && {
    profile: { path: profilePath, text: rdpFile(target), encoding: "utf16le" as const },
  };
  return { file, args, notes, endsWithItself: true, ...written };
}

const needsFile = ({ user, clipboard, drive }: ClientTarget): boolean =>
  user !== undefined || clipboard !== undefined || (drive !== undefined && wholeDrive(drive) !== undefined);

/** What mstsc cannot be told. */
function lacking({ user, clipboard, drive }: ClientTarget, hasFile: boolean): string[] {
  const notes: string[] = [];
  if (drive !== undefined && (!hasFile || wholeDrive(drive) === undefined)) {
    notes.push("mstsc shares whole drives only, such as `--drive C:`; for others see its own options.");
  }
  if (hasFile) return notes;
  if (user !== undefined) notes.push(`mstsc takes no user name on its command line: type ${user} where it asks.`);
  if (clipboard !== undefined) notes.push("mstsc takes no word on the clipboard on its command line: see its options.");
  return notes;
}

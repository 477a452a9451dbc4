import { access } from "node:fs/promises";
import path from "node:path";
import { formatAddress } from "@drawbridge/dataplane";
import { certificateNotes } from "./certificate-note.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { findExecutable } from "./find-executable.ts";
import type { ClientCommand, ClientTarget, RdpClient } from "./rdp-client.ts";

/** The app's names, the newer first: Microsoft renamed it in 2024. */
const APPS = ["Windows App.app", "Microsoft Remote Desktop.app"];

/** Microsoft's client for macOS, started through `open`, which returns at once. */
export const macosApp: RdpClient = {
  name: "macos-app",
  howToGet: "Install Windows App (formerly Microsoft Remote Desktop) from the App Store.",
  displays: [],
  async find(environment) {
    if (environment.platform !== "darwin" || !(await hasApp(environment))) return undefined;
    const file = await findExecutable(["/usr/bin/open"], environment);
    return file === undefined
      ? undefined
      : { name: "macos-app", path: file, endsWithItself: false, command: (target) => macosAppCommand(file, target) };
  },
};

async function hasApp({ variables }: ClientEnvironment): Promise<boolean> {
  const folders = ["/Applications", ...(variables["HOME"] ? [path.join(variables["HOME"], "Applications")] : [])];
  for (const file of folders.flatMap((folder) => APPS.map((app) => path.join(folder, app)))) {
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return true;
  }
  return false;
}

/**
 * The command that hands an `rdp://` address to whichever app is registered for it
 * (https://learn.microsoft.com/windows-server/remote/remote-desktop-services/clients/remote-desktop-uri).
 * `-a` is not used: from macOS 11 on, `open -a` takes such an address for a file's name.
 */
export function macosAppCommand(file: string, target: ClientTarget): ClientCommand {
  const { address, user, size, fullScreen, multiMonitor, drive, admin, extraArgs } = target;
  const attributes = [`full%20address=s:${formatAddress(address)}`];
  if (user !== undefined) attributes.push(`username=s:${encodeURIComponent(user)}`);
  if (size) attributes.push(`desktopwidth=i:${size.width}`, `desktopheight=i:${size.height}`);
  if (fullScreen === true || multiMonitor === true) attributes.push("screen%20mode%20id=i:2");
  if (drive !== undefined) attributes.push("drivestoredirect=s:*");
  if (admin === true) attributes.push("connect%20to%20console=i:1");
  const args = [...extraArgs, `rdp://${attributes.join("&")}`];
  return { file, args, notes: notesFor(target), endsWithItself: false };
}

/** What such an address cannot say. */
function notesFor({ certificate, clipboard, drive, multiMonitor }: ClientTarget): string[] {
  const notes = certificateNotes("the app", certificate);
  if (clipboard !== undefined) notes.push("The app takes no word on the clipboard in an address: see its settings.");
  if (drive !== undefined) notes.push("The app shares the folders of its own settings, not one that is named here.");
  if (multiMonitor === true) notes.push("The app uses one screen unless its own settings say otherwise.");
  return notes;
}

import { DrawbridgeError, formatAddress } from "@drawbridge/dataplane";
import { certificateNotes } from "./certificate-note.ts";
import { findExecutable } from "./find-executable.ts";
import { rememberCertificate } from "./freerdp-known-hosts.ts";
import type { ClientCommand, ClientTarget, RdpClient } from "./rdp-client.ts";

/**
 * Remmina. It keeps one instance per desktop: a second `remmina -c` hands its address to the first and returns at once;
 * and the first may stay after its last window (https://github.com/FreeRDP/Remmina/issues/966). So its process says
 * nothing about the session.
 */
export const remmina: RdpClient = {
  name: "remmina",
  howToGet: "Install Remmina with its RDP plugin (Debian and Ubuntu: remmina remmina-plugin-rdp).",
  displays: ["x11", "wayland"],
  async find(environment) {
    const file = await findExecutable(["remmina"], environment);
    if (file === undefined) return undefined;
    return {
      name: "remmina",
      path: file,
      endsWithItself: false,
      command: (target) => remminaCommand(file, target),
      prepare: async ({ address, certificate }) => {
        if (certificate !== undefined) await rememberCertificate(address, certificate, environment);
      },
    };
  },
};

/**
 * Remmina's command line: an `rdp://` address, and where options need it a profile file, which Remmina does not add to its
 * list. Neither can tell it which certificate is right. It takes one that it finds where FreeRDP keeps them, by address, and asks
 * about any other: so does a Remmina that keeps its files elsewhere, as Flatpak's does.
 */
export function remminaCommand(file: string, target: ClientTarget): ClientCommand {
  const { address, user, fullScreen, certificate, profilePath, extraArgs } = target;
  const notes = [...certificateNotes("remmina", certificate)];
  if (fullScreen === true) notes.push("remmina takes no full screen on its command line: press Right Ctrl and F.");
  const profile = needsFile(target) && profilePath !== undefined;
  if (needsFile(target) && !profile) notes.push("remmina takes none of these options here: use its own buttons.");
  const login = user === undefined ? "" : `${encodeURIComponent(user)}@`;
  const args = ["-c", profile ? profilePath : `rdp://${login}${formatAddress(address)}`, ...extraArgs];
  const written = profile && { profile: { path: profilePath, text: remminaFile(target) } };
  return { file, args, notes, endsWithItself: false, ...written };
}

const needsFile = ({ size, multiMonitor, clipboard, drive, admin }: ClientTarget): boolean =>
  size !== undefined || multiMonitor === true || clipboard !== undefined || drive !== undefined || admin === true;

/** Remmina's profile, keys as its RDP plugin reads them (plugins/rdp/rdp_plugin.c of 1.4). */
function remminaFile({ address, user, title, size, multiMonitor, clipboard, drive, admin }: ClientTarget): string {
  const settings: Record<string, string | undefined> = {
    name: title ?? formatAddress(address),
    protocol: "RDP",
    server: formatAddress(address),
    username: user,
    cert_ignore: "0",
    resolution_mode: size && "0",
    resolution_width: size && String(size.width),
    resolution_height: size && String(size.height),
    multimon: multiMonitor === true ? "1" : undefined,
    disableclipboard: clipboard === undefined ? undefined : clipboard ? "0" : "1",
    sharefolder: drive,
    console: admin === true ? "1" : undefined,
  };
  const lines = Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  if (lines.every((line) => !/\p{Cc}/u.test(line))) return `[remmina]\n${lines.join("\n")}\n`;
  throw new DrawbridgeError("invalid-argument", "an option for the RDP client holds a control character", {
    remedy: "Check what --user and --drive were given.",
  });
}

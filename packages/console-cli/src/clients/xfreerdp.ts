import { DrawbridgeError, formatAddress } from "@drawbridge/dataplane";
import { certificateNotes } from "./certificate-note.ts";
import { displays } from "./client-environment.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { findExecutable } from "./find-executable.ts";
import { probeVersion } from "./probe-version.ts";
import type { ClientCommand, ClientTarget, RdpClient } from "./rdp-client.ts";

/** FreeRDP 2 or 3, by whichever of its programs suits the display. */
export const xfreerdp: RdpClient = {
  name: "xfreerdp",
  howToGet: "Install FreeRDP (Debian and Ubuntu: freerdp3-x11 or freerdp2-x11; Fedora, Arch, Homebrew: freerdp).",
  displays: ["x11", "wayland"],
  async find(environment) {
    const file = await findExecutable(programs(environment), environment);
    if (file === undefined) return undefined;
    const version = await probeVersion(file, environment);
    return {
      name: "xfreerdp",
      path: file,
      ...(version === undefined ? {} : { version }),
      endsWithItself: true,
      command: (target) => xfreerdpCommand(file, version, target),
    };
  },
};

/** FreeRDP's programs, best first: xfreerdp draws on X11 only, wlfreerdp on Wayland only, sdl-freerdp on anything. */
function programs(environment: ClientEnvironment): string[] {
  const anywhere = ["sdl-freerdp3", "sdl-freerdp"];
  if (environment.platform === "win32") return [...anywhere, "wfreerdp"];
  if (displays(environment).includes("x11")) return ["xfreerdp3", "xfreerdp", ...anywhere];
  return environment.platform === "darwin" ? anywhere : [...anywhere, "wlfreerdp3", "wlfreerdp"];
}

/**
 * FreeRDP's command line, with options that 2.x and 3.x share (`client/common/cmdline.h` of both).
 *
 * The server's certificate names the target's machine, never this loopback address, so a check of the name cannot
 * succeed. Where the certificate was seen from end to end just before, that one is taken and every other refused.
 * Where nobody has looked, FreeRDP keeps the first one by address, which is the target's own, and refuses a changed one.
 * Whoever wants it otherwise gives a `/cert:` option, which replaces ours.
 *
 * @param version what the program said; undefined counts as 2 or later
 */
export function xfreerdpCommand(file: string, version: string | undefined, target: ClientTarget): ClientCommand {
  const { address, user, title, clipboard, drive, admin, extraArgs } = target;
  const given = (option: RegExp): boolean => extraArgs.some((argument) => option.test(argument));
  const args = [`/v:${formatAddress(address)}`];
  if (user !== undefined) args.push(`/u:${user}`);
  args.push(...sizeArgs(target));
  // Without a size the desktop follows the window. The other ways to size it exclude this one.
  if (!hasSize(target) && !given(/^[/+-](dynamic-resolution|smart-sizing|size|w|h|f|multimon|workarea)\b/)) {
    args.push("/dynamic-resolution");
  }
  if (!given(/^[/+-]cert\b/)) args.push(...certificateArgs(version, target));
  if (clipboard !== undefined) args.push(clipboard ? "+clipboard" : "-clipboard");
  if (drive !== undefined) args.push(driveArg(drive));
  if (admin === true) args.push("/admin");
  if (title !== undefined) args.push(`/t:${title}`);
  const notes = knowsFingerprints(version) ? [] : certificateNotes("xfreerdp", target.certificate);
  return { file, args: [...args, ...extraArgs], notes, endsWithItself: true };
}

const hasSize = ({ size, fullScreen, multiMonitor }: ClientTarget): boolean =>
  size !== undefined || fullScreen === true || multiMonitor === true;

function sizeArgs({ size, fullScreen, multiMonitor }: ClientTarget): string[] {
  const fixed = size ? [`/size:${size.width}x${size.height}`] : [];
  if (multiMonitor === true) return [...fixed, "/f", "/multimon"];
  return fullScreen === true ? [...fixed, "/f"] : fixed;
}

/** Before 2, FreeRDP asks. */
function certificateArgs(version: string | undefined, { certificate }: ClientTarget): string[] {
  if (isBeforeTwo(version)) return [];
  if (certificate === undefined || !knowsFingerprints(version)) return ["/cert:tofu"];
  return [`/cert:deny,fingerprint:sha256:${certificate.fingerprint}`];
}

function driveArg(drive: string): string {
  if (!drive.includes(",")) return `/drive:drawbridge,${drive}`;
  throw new DrawbridgeError("invalid-argument", `FreeRDP cannot share ${drive}: its name holds a comma`, {
    remedy: "Share a folder without a comma in its path.",
  });
}

/** Not all of the first versions 2 had fingerprints, and a word that one does not know keeps it from starting. */
const knowsFingerprints = (version: string | undefined): boolean =>
  !isBeforeTwo(version) && !/^2\.[0-2]\./.test(version ?? "");

/** FreeRDP 1 and the release candidates of 2.0 have other words for it. */
const isBeforeTwo = (version: string | undefined): boolean =>
  version !== undefined && (/^[01]\./.test(version) || /^2\.0\.0-(rc|dev|beta|alpha)/.test(version));

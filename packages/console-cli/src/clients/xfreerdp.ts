import { formatAddress } from "@drawbridge/dataplane";
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
 * The RDP server's certificate names the target's machine, never this loopback address, and the port changes from one
 * session to the next, so neither a check of the name nor FreeRDP's memory by address could succeed. Who is at the other
 * end is proven by the end-to-end TLS of the redirectors. Whoever wants more gives a `/cert:` option, which replaces
 * ours.
 *
 * @param version what the program said; undefined counts as 2 or later
 */
export function xfreerdpCommand(file: string, version: string | undefined, target: ClientTarget): ClientCommand {
  const { address, user, size, title, extraArgs } = target;
  const given = (option: RegExp): boolean => extraArgs.some((argument) => option.test(argument));
  const args = [`/v:${formatAddress(address)}`];
  if (user !== undefined) args.push(`/u:${user}`);
  if (size) args.push(`/size:${size.width}x${size.height}`);
  // Without a size the desktop follows the window. The other ways to size it exclude this one.
  else if (!given(/^[/+-](dynamic-resolution|smart-sizing|size|w|h|f|multimon|workarea)\b/)) {
    args.push("/dynamic-resolution");
  }
  if (!given(/^[/+-]cert\b/)) args.push(isBeforeTwo(version) ? "/cert-ignore" : "/cert:ignore");
  if (title !== undefined) args.push(`/t:${title}`);
  return { file, args: [...args, ...extraArgs], notes: [], endsWithItself: true };
}

/** FreeRDP 1 and the release candidates of 2.0 have `/cert-ignore` only; 3 has it no longer. */
const isBeforeTwo = (version: string | undefined): boolean =>
  version !== undefined && (/^[01]\./.test(version) || /^2\.0\.0-(rc|dev|beta|alpha)/.test(version));

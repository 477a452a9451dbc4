import { formatAddress } from "@drawbridge/dataplane";
import { findExecutable } from "./find-executable.ts";
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
    return file === undefined
      ? undefined
      : { name: "remmina", path: file, endsWithItself: false, command: (target) => remminaCommand(file, target) };
  },
};

/** Remmina's command line: an `rdp://` address, so that no profile file is left behind. */
export function remminaCommand(file: string, target: ClientTarget): ClientCommand {
  const { address, user, size, extraArgs } = target;
  const notes = size ? ["remmina takes no size on its command line: use its own buttons."] : [];
  const login = user === undefined ? "" : `${encodeURIComponent(user)}@`;
  const args = ["-c", `rdp://${login}${formatAddress(address)}`, ...extraArgs];
  return { file, args, notes, endsWithItself: false };
}

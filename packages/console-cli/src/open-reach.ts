import { readFile } from "node:fs/promises";
import { type HomeReach, openHomeReach } from "@drawbridge/control/wire";
import { DrawbridgeError, formatProxy } from "@drawbridge/dataplane";
import type { NetworkChoice } from "./network-options.ts";
import { proxyWish } from "./proxy-choice.ts";
import type { CommandContext } from "./run-command.ts";
import { readStandardInput } from "./standard-input.ts";

/** A way out, and what it came from. */
export type OpenedReach = HomeReach;

/**
 * How this machine gets out: as the command line says, else the home, else the environment.
 *
 * Errors: `invalid-argument` for a proxy that cannot be read or a password on the command line; `home-invalid`.
 */
export async function openReach(
  { home, log }: Pick<CommandContext, "home" | "log">,
  role: "tenant" | "operator",
  choice: NetworkChoice = {},
): Promise<OpenedReach> {
  const wish = proxyWish(choice, await readPassword(choice));
  const opened = await openHomeReach(home(role), { ...wish, legTransport: choice.legTransport });
  const { proxy, source } = opened;
  if (proxy !== undefined) {
    const name = formatProxy(proxy);
    log.debug({ event: "proxy", proxy: name, source }, `the proxy is ${name}, from ${source ?? ""}`);
  }
  return opened;
}

/** More than any password. */
const MAX_PASSWORD_BYTES = 4_096;

/** The password of a file or of standard input, without the line's end. */
async function readPassword({ proxyPasswordFile: file }: NetworkChoice): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = file === "-" ? await readStandardInput(MAX_PASSWORD_BYTES) : await readPasswordFile(file);
  const password = text.replace(/\r?\n$/, "");
  if (password !== "" && password.length <= 255) return password;
  throw new DrawbridgeError("invalid-argument", "the proxy's password is empty or too long", {
    remedy: "Put the password alone, on one line, into the file or on standard input.",
  });
}

async function readPasswordFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new DrawbridgeError("invalid-argument", `the proxy's password cannot be read from ${file}`, {
      remedy: "Check the path, and that this user may read it.",
      cause,
    });
  }
}

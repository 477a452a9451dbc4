import type { ProxyWish } from "@drawbridge/control/wire";
import { PASSWORD_VARIABLE } from "@drawbridge/control/wire";
import { DrawbridgeError, parseProxy } from "@drawbridge/dataplane";
import type { NetworkChoice } from "./network-options.ts";

/**
 * What the command line says about the proxy.
 *
 * @param password the one that was given for the proxy, if one was
 * @throws DrawbridgeError `invalid-argument` for a proxy that cannot be read, and for a password on the command line
 */
export function proxyWish({ proxy }: NetworkChoice, password?: string): ProxyWish {
  if (proxy === false) return { proxy: "none", saidBy: "--no-proxy" };
  if (proxy !== undefined && proxy !== "none" && proxy !== "environment") refusePassword(proxy);
  return { proxy, password, saidBy: "--proxy" };
}

/** Others on this machine can see a command line. */
function refusePassword(proxy: string): void {
  if ((parseProxy(proxy, "--proxy").credentials?.password ?? "") === "") return;
  throw new DrawbridgeError("invalid-argument", "--proxy holds a password, which others on this machine can see", {
    remedy: `Write http://USER@HOST:PORT and give the password by --proxy-password-file or ${PASSWORD_VARIABLE}; change this one.`,
  });
}

import type { NetworkSettings } from "@drawbridge/control/wire";
import type { Proxy } from "@drawbridge/dataplane";
import { DrawbridgeError, parseProxy } from "@drawbridge/dataplane";
import type { NetworkChoice } from "./network-options.ts";

/** The process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which proxy counts, and who said so. */
export interface ChosenProxy {
  /** Undefined: none. */
  readonly proxy: Proxy | undefined;
  /** `--proxy`, `the home`, or the variable's name; undefined where nobody said anything. */
  readonly source: string | undefined;
}

/** The source of a proxy that the home names. */
export const THE_HOME = "the home";

/** What a password is taken from where the proxy's URL has a user and none. */
export const PASSWORD_VARIABLE = "DRAWBRIDGE_PROXY_PASSWORD";

/** As curl has it: the lower-case name first; `HTTP_PROXY` is for plain HTTP and says nothing here. */
const PROXY_VARIABLES = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] as const;

/**
 * Decides on the proxy: the command line's, else the home's, else the environment's. An empty value counts as absent.
 *
 * @param password the one that was given for the proxy, if one was
 * @throws DrawbridgeError `invalid-argument`
 */
export function chooseProxy(
  choice: NetworkChoice,
  settings: NetworkSettings,
  env: Environment,
  password?: string,
): ChosenProxy {
  const found = sourceOf(choice, settings, env);
  if (found === undefined) return { proxy: undefined, source: undefined };
  const { text, source } = found;
  if (text === "none") return { proxy: undefined, source };
  const proxy = parseProxy(text, source);
  if (source === "--proxy" && hasPassword(proxy)) throw passwordOnCommandLine();
  return { proxy: withPassword(proxy, password, env), source };
}

/** What is dialled without the proxy: the home's list, else the environment's. */
export function chooseNoProxy(settings: NetworkSettings, env: Environment): string {
  return settings.noProxy ?? (env["no_proxy"] || env["NO_PROXY"] || "");
}

function sourceOf(
  { proxy }: NetworkChoice,
  settings: NetworkSettings,
  env: Environment,
): { text: string; source: string } | undefined {
  if (proxy === false) return { text: "none", source: "--no-proxy" };
  if (proxy !== undefined && proxy !== "environment") return { text: proxy, source: "--proxy" };
  if (proxy === undefined && settings.proxy !== undefined) return { text: settings.proxy, source: THE_HOME };
  for (const source of PROXY_VARIABLES) {
    const text = env[source]?.trim();
    if (text !== undefined && text !== "") return { text, source };
  }
  return undefined;
}

const hasPassword = ({ credentials }: Proxy): boolean => credentials !== undefined && credentials.password !== "";

function withPassword(proxy: Proxy, given: string | undefined, env: Environment): Proxy {
  const { credentials } = proxy;
  if (credentials === undefined) {
    if (given !== undefined) throw userMissing();
    return proxy;
  }
  const password = given ?? (credentials.password || env[PASSWORD_VARIABLE] || "");
  return { ...proxy, credentials: { ...credentials, password } };
}

function userMissing(): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", "a proxy's password was given, and no user", {
    remedy: "Name the proxy as http://USER@HOST:PORT.",
  });
}

function passwordOnCommandLine(): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", "--proxy holds a password, which others on this machine can see", {
    remedy: `Write http://USER@HOST:PORT and give the password by --proxy-password-file or ${PASSWORD_VARIABLE}; change this one.`,
  });
}

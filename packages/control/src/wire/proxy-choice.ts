import type { Proxy } from "@drawbridge/dataplane";
import { DrawbridgeError, parseProxy } from "@drawbridge/dataplane";
import type { NetworkSettings } from "./network-settings.ts";

/** A process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a program or a command line says about the proxy. */
export interface ProxyWish {
  /** A proxy's URL, or `none`; `environment`: past the home. Absent: home and environment decide. */
  readonly proxy?: string | undefined;
  /** The proxy's password, in place of the URL's. Default: the URL's, else DRAWBRIDGE_PROXY_PASSWORD. */
  readonly password?: string | undefined;
  /** Who says so, for errors and for {@link ChosenProxy.source}. Default: `the program`. */
  readonly saidBy?: string;
}

/** Which proxy counts, and who said so. */
export interface ChosenProxy {
  /** Undefined: none. */
  readonly proxy: Proxy | undefined;
  /** Who wished it, `the home`, or the variable's name; undefined where nobody said anything. */
  readonly source: string | undefined;
}

/** The source of a proxy that the home names. */
export const THE_HOME = "the home";

/** What a password is taken from where the proxy's URL has a user and none. */
export const PASSWORD_VARIABLE = "DRAWBRIDGE_PROXY_PASSWORD";

/** As curl has it: the lower-case name first; `HTTP_PROXY` is for plain HTTP and says nothing here. */
const PROXY_VARIABLES = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] as const;

/**
 * Decides on the proxy: the one wished for, else the home's, else the environment's. An empty variable counts as absent.
 *
 * @throws DrawbridgeError `invalid-argument`
 */
export function chooseProxy(wish: ProxyWish, settings: NetworkSettings, env: Environment): ChosenProxy {
  const found = sourceOf(wish, settings, env);
  if (found === undefined) return { proxy: undefined, source: undefined };
  const { text, source } = found;
  if (text === "none") return { proxy: undefined, source };
  return { proxy: withPassword(parseProxy(text, source), wish.password, env), source };
}

/** What is dialled without the proxy: the home's list, else the environment's. */
export function chooseNoProxy(settings: NetworkSettings, env: Environment): string {
  return settings.noProxy ?? (env["no_proxy"] || env["NO_PROXY"] || "");
}

function sourceOf(
  { proxy, saidBy = "the program" }: ProxyWish,
  settings: NetworkSettings,
  env: Environment,
): { text: string; source: string } | undefined {
  if (proxy !== undefined && proxy !== "environment") return { text: proxy, source: saidBy };
  if (proxy === undefined && settings.proxy !== undefined) return { text: settings.proxy, source: THE_HOME };
  for (const source of PROXY_VARIABLES) {
    const text = env[source]?.trim();
    if (text !== undefined && text !== "") return { text, source };
  }
  return undefined;
}

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

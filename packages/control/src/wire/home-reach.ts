import { Reach } from "@drawbridge/dataplane";
import type { LEG_TRANSPORTS, NetworkSettings } from "./network-settings.ts";
import { loadNetworkSettings } from "./network-settings.ts";
import type { ChosenProxy, Environment, ProxyWish } from "./proxy-choice.ts";
import { chooseNoProxy, chooseProxy } from "./proxy-choice.ts";

/** How a program wants to get out to the provider. What it leaves out, its home and then the environment decide. */
export interface NetworkWish extends ProxyWish {
  /** How legs are carried. Default: as the home says, else `auto`. */
  readonly legTransport?: (typeof LEG_TRANSPORTS)[number] | undefined;
}

/** A way out, and what it came from. */
export interface HomeReach extends ChosenProxy {
  readonly reach: Reach;
  readonly settings: NetworkSettings;
}

/**
 * How this machine gets out: as wished, else as the home says (`network.json`), else as the environment does
 * (`HTTPS_PROXY` and the like).
 *
 * Errors: `invalid-argument` for a proxy that cannot be read; `home-invalid`.
 *
 * @param home a tenant's or operator's home; undefined: without one.
 */
export async function openHomeReach(
  home: string | undefined,
  wish: NetworkWish = {},
  env: Environment = process.env,
): Promise<HomeReach> {
  const settings = home === undefined ? {} : await loadNetworkSettings(home);
  const { proxy, source } = chooseProxy(wish, settings, env);
  const reach = new Reach({
    proxy,
    noProxy: chooseNoProxy(settings, env),
    legTransport: wish.legTransport ?? settings.legTransport ?? "auto",
  });
  return { reach, settings, proxy, source };
}

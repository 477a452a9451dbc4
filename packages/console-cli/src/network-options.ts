import { Option } from "@commander-js/extra-typings";
import { LEG_TRANSPORTS } from "@drawbridge/control/wire";

/** `--proxy`: the way out, without its password. */
export const proxyOption = () =>
  new Option(
    "--proxy <url>",
    "the HTTP proxy on the way to the provider: http://[USER@]HOST:PORT, or none (default: what the home says, then HTTPS_PROXY)",
  );

/** `--proxy-password-file`: a proxy's password, which no command line may hold. */
export const proxyPasswordOption = () =>
  new Option(
    "--proxy-password-file <file>",
    "where the proxy's password stands, - for standard input (default: DRAWBRIDGE_PROXY_PASSWORD)",
  );

/** `--no-proxy`: the same as `--proxy none`. */
export const noProxyOption = () => new Option("--no-proxy", "go without a proxy, whatever home and environment say");

/** `--leg-transport`: how legs are carried. */
export const legTransportOption = () =>
  new Option(
    "--leg-transport <how>",
    "raw, tls (where a firewall lets only TLS through), or auto, which finds out (default: what the home says, then auto)",
  ).choices(LEG_TRANSPORTS);

/** What a command line says about the way out. */
export interface NetworkChoice {
  /** A proxy's URL without password; false: none. Absent: home and environment decide. */
  readonly proxy?: string | false | undefined;
  readonly proxyPasswordFile?: string | undefined;
  readonly legTransport?: (typeof LEG_TRANSPORTS)[number] | undefined;
}

/** The options above as commander gives them. It makes one value of `--proxy` and `--no-proxy`; its types do not. */
export interface NetworkOptions extends Omit<NetworkChoice, "proxy"> {
  readonly proxy?: unknown;
}

/** The options above as they were given. */
export function networkChoice(options: NetworkOptions): NetworkChoice {
  const { proxy, proxyPasswordFile, legTransport } = options;
  const isChosen = typeof proxy === "string" || proxy === false;
  return { ...(isChosen && { proxy }), proxyPasswordFile, legTransport };
}

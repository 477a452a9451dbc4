import { BlockList, isIP, isIPv6 } from "node:net";
import type { Address } from "./address.ts";

/** More entries than this are not looked at. */
const MAX_ENTRIES = 256;

/**
 * Whether an address is dialled without the proxy, by a list as in the variable `NO_PROXY`: entries with commas or spaces
 * between. `*` is every address; `corp.example`, `.corp.example` and `*.corp.example` are that name and all below it;
 * an IP address, or a network such as `10.0.0.0/8`, is what it says; `:port` behind a name or address narrows it.
 *
 * As with curl, a name is not looked up, so it matches no IP address; and nothing is an exception by itself, this
 * machine's own addresses included.
 */
export function isWithoutProxy(list: string, address: Address): boolean {
  const host = plainName(address.host);
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .slice(0, MAX_ENTRIES)
    .some((entry) => entry === "*" || matches(entry, host, address.port));
}

function matches(entry: string, host: string, port: number): boolean {
  const [, bracketed, bare = "", wanted] = /^(?:\[([^\]]*)\]|(.*?))(?::(\d{1,5}))?$/s.exec(unambiguous(entry)) ?? [];
  if (wanted !== undefined && Number(wanted) !== port) return false;
  const pattern = plainName(bracketed ?? bare);
  const network = /^([^/]+)\/(\d{1,3})$/.exec(pattern);
  if (network !== null) return isInNetwork(host, network[1] ?? "", Number(network[2]));
  if (isIP(host) !== 0) return isIP(pattern) !== 0 && isInNetwork(host, pattern, isIPv6(pattern) ? 128 : 32);
  const suffix = pattern.replace(/^\*?\./, "");
  return suffix !== "" && (host === suffix || host.endsWith(`.${suffix}`));
}

/** An IPv6 address or network without brackets has colons that are no port's. */
function unambiguous(entry: string): string {
  const [address = ""] = entry.split("/");
  return isIPv6(address) ? `[${entry}]` : entry;
}

function isInNetwork(host: string, network: string, prefix: number): boolean {
  const family = isIPv6(network) ? "ipv6" : "ipv4";
  if (isIP(network) === 0 || isIP(host) !== isIP(network) || prefix > (family === "ipv6" ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list.check(host, family);
}

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, "");

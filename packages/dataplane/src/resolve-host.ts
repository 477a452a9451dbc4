import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { interleaveAddresses } from "./interleave-addresses.ts";

/** More addresses of one name than this are not tried. */
const MAX_ADDRESSES = 16;

/**
 * Looks a name up once, by the system's resolver, and returns its IP addresses in the order in which they are to be
 * tried (see {@link interleaveAddresses}). An IP address is itself.
 *
 * @throws Node's error of the look-up (`ENOTFOUND` and the like)
 */
export async function resolveHost(host: string): Promise<string[]> {
  // Both families are asked in one call. RFC 8305 would dial the first that answers; getaddrinfo does not tell.
  const found =
    isIP(host) === 0 ? (await lookup(host, { all: true, order: "verbatim" })).map((one) => one.address) : [host];
  return interleaveAddresses(found).slice(0, MAX_ADDRESSES);
}

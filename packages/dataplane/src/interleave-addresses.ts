import { isIPv6 } from "node:net";

/**
 * The addresses of a name in the order in which they are tried: the families take turns, so that one that leads nowhere
 * costs one attempt's delay, not one for each of its addresses. The system has sorted them already (RFC 6724), IPv6
 * first where there is a way for it; the family of the first stays the first. Source: RFC 8305, section 4.
 */
export function interleaveAddresses(addresses: readonly string[]): string[] {
  const [first] = addresses;
  if (first === undefined) return [];
  const isFirstFamily = (address: string): boolean => isIPv6(address) === isIPv6(first);
  const ones = addresses.filter(isFirstFamily);
  const others = addresses.filter((address) => !isFirstFamily(address));
  const turns = Math.max(ones.length, others.length);
  return Array.from({ length: turns }, (_, turn) => [ones[turn], others[turn]])
    .flat()
    .filter((address) => address !== undefined);
}

import { isIP, isIPv6 } from "node:net";
import { type Address, DrawbridgeError, formatAddress, formatIp, ipBytes, parseAddress } from "@drawbridge/dataplane";

/** A name's labels; underscores, because names of machines have them. Source: RFC 1123, section 2.1. */
const NAME = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * A last label that makes resolvers take the whole for an IPv4 address in another dress: `127.1`, `0x7f.1`, `2130706433`.
 * Source: the URL standard's "ends in a number"; inet_aton(3).
 */
const NUMBER = /(^|\.)([0-9]+|0x[0-9a-f]*)$/;

const EXAMPLES = "Write for example 10.0.0.5:3389, [fd00::5]:3389 or fileserver.lan:22.";

/** Whether a session's target is a free one, `host:port`: no name of a target has a colon. */
export const isFreeTarget = (target: string): boolean => target.includes(":");

/**
 * The one way to write a target, which operator and tenant have to agree on to the byte, since it is hashed and judged: a
 * named target as it is; of a free one the host in lower case and without a trailing dot, IPv6 as RFC 5952 says.
 *
 * Errors: `invalid-argument` for a free target that is none: no port or port 0, a scope, another character than host names
 * have, or a number that only some resolvers take for an address.
 */
export function canonicalTarget(target: string): string {
  if (!isFreeTarget(target)) return target;
  const { host, port } = parseAddress(target);
  if (port === 0) throw invalid(target, "port 0 cannot be dialled");
  return formatAddress({ host: canonicalHost(target, host), port });
}

/**
 * Reads a free target that is written as {@link canonicalTarget} writes it.
 *
 * Errors: `invalid-argument` for any other.
 */
export function readFreeTarget(target: string): Address {
  if (canonicalTarget(target) !== target) throw invalid(target, "it is not in its canonical form");
  return parseAddress(target);
}

/** Whether a text is a host's name in its canonical form. */
export const isHostName = (text: string): boolean => text.length <= 253 && NAME.test(text) && !NUMBER.test(text);

function canonicalHost(target: string, text: string): string {
  if (isIPv6(text)) {
    const bytes = text.includes("%") ? undefined : ipBytes(text);
    if (bytes === undefined) throw invalid(target, "an address with a scope means another machine at each end");
    return formatIp(bytes);
  }
  if (isIP(text) === 4) return text;
  const name = text.toLowerCase().replace(/\.$/, "");
  if (!isHostName(name)) throw invalid(target, "the host is neither a name nor an IP address in its usual form");
  return name;
}

function invalid(target: string, why: string): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", `"${target.slice(0, 300)}" is no target: ${why}`, {
    remedy: EXAMPLES,
  });
}

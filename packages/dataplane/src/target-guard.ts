import { BlockList, isIP, isIPv6 } from "node:net";
import { DrawbridgeError } from "./errors.ts";

/**
 * Addresses that no target may have, whatever name leads there: they give out a machine's credentials to whoever asks,
 * or are no hosts at all. Sources: the cloud providers' metadata documentation; RFC 6890's special-purpose registries.
 */
const forbidden = new BlockList();
forbidden.addSubnet("169.254.0.0", 16, "ipv4"); // link-local; 169.254.169.254 is the metadata service of most clouds
forbidden.addAddress("100.100.100.200", "ipv4"); // Alibaba Cloud's
forbidden.addAddress("168.63.129.16", "ipv4"); // Azure's
forbidden.addAddress("192.0.0.192", "ipv4"); // Oracle Cloud's
forbidden.addSubnet("0.0.0.0", 8, "ipv4");
forbidden.addSubnet("224.0.0.0", 3, "ipv4"); // multicast, reserved, broadcast
forbidden.addAddress("::", "ipv6");
forbidden.addAddress("fd00:ec2::254", "ipv6"); // Amazon's metadata service
forbidden.addAddress("fd20:ce::254", "ipv6"); // Google's
forbidden.addSubnet("fe80::", 10, "ipv6");
forbidden.addSubnet("ff00::", 8, "ipv6");

/**
 * Refuses an IP address that no target may have. IPv4 addresses in IPv6's clothes (`::ffff:…`, NAT64) are refused as
 * they are: nobody writes them but to get around a check. Says nothing of names.
 *
 * @throws DrawbridgeError `permission-denied`
 */
export function refuseForbiddenTarget(host: string): void {
  const version = isIP(host);
  if (version === 0) return;
  const disguised = isIPv6(host) && /^(::ffff:|64:ff9b:|::\d+\.)/i.test(new URL(`http://[${host}]`).hostname.slice(1));
  if (!disguised && !forbidden.check(host, version === 6 ? "ipv6" : "ipv4")) return;
  throw new DrawbridgeError("permission-denied", `${host} is not an address that a target may have`, {
    remedy: "Metadata services, link-local, multicast and IPv4-mapped addresses are never dialled.",
  });
}

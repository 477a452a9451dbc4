import { BlockList, isIP } from "node:net";
import { DrawbridgeError } from "./errors.ts";
import { formatIp, ipBytes } from "./ip-bytes.ts";

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
 * Refuses an IP address that no target may have. IPv4 addresses in IPv6's clothes (`::ffff:…`, `::192.0.2.7`, NAT64) are
 * refused as they are: nobody writes them but to get around a check. Says nothing of names.
 *
 * @throws DrawbridgeError `permission-denied`
 */
export function refuseForbiddenTarget(host: string): void {
  const bytes = isIP(host) === 0 ? undefined : ipBytes(host);
  if (bytes === undefined) return;
  if (!isDisguised(bytes) && !forbidden.check(formatIp(bytes), bytes.length === 16 ? "ipv6" : "ipv4")) return;
  throw new DrawbridgeError("permission-denied", `${host} is not an address that a target may have`, {
    remedy: "Metadata services, link-local, multicast and IPv4-mapped addresses are never dialled.",
  });
}

/** IPv4-compatible, -mapped and -translated addresses, and NAT64's. Sources: RFC 4291, 2765, 6052, 8215. */
function isDisguised(bytes: Buffer): boolean {
  if (bytes.length !== 16) return false;
  const head = bytes.subarray(0, 8);
  if (head.subarray(0, 4).equals(NAT64)) return true;
  if (!head.every((byte) => byte === 0)) return false;
  const [middle, last] = [bytes.readUInt32BE(8), bytes.readUInt32BE(12)];
  return middle === 0xffff || middle === 0xffff_0000 || (middle === 0 && last > 1);
}

const NAT64 = Buffer.from("0064ff9b", "hex");

import { endianness } from "node:os";
import type { Address } from "@drawbridge/dataplane";

/** A row of `/proc/net/tcp` or `/proc/net/tcp6` of which some process holds the socket. */
export interface SocketOwnerRow {
  /** Both ends, the row's own first; as {@link connectionKey} writes them. */
  readonly key: string;
  /** The effective user that made the socket, as this process's user namespace numbers it. */
  readonly uid: number;
}

// Columns: number, local, remote, state, queues, timer, retransmits, uid, timeout, inode
// (https://docs.kernel.org/networking/proc_net_tcp.html).
const END = "([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})";
const ROW = new RegExp(
  `^ *[0-9]+: ${END} ${END} ([0-9A-F]{2}) [0-9A-F:]+ [0-9A-F:]+ [0-9A-F]+ +([0-9]+) +[0-9]+ +([0-9]+) `,
);

/**
 * The states (include/net/tcp_states.h) in which the connecting end can be while its owner still uses it: established,
 * and half-closed by it. Not SYN_SENT: another user's process may be trying to reuse the port of a connection that is
 * not quite gone.
 */
const HELD_STATES: ReadonlySet<string> = new Set(["01", "04", "05"]);

/** The words of an address are printed in the machine's own byte order. */
const LITTLE_ENDIAN = endianness() === "LE";
const MAPPED_PREFIX = LITTLE_ENDIAN ? "0000000000000000FFFF0000" : "00000000000000000000FFFF";
const IPV6_LOOPBACK = LITTLE_ENDIAN ? "00000000000000000000000001000000" : "00000000000000000000000000000001";

/**
 * Reads one line. Undefined for what is no row, and for a socket that no process holds: the kernel prints uid 0 for
 * those (TIME_WAIT, and every connection whose process has closed it), which must not be taken for root's. Never throws.
 */
export function parseSocketOwnerRow(line: string): SocketOwnerRow | undefined {
  const match = ROW.exec(line);
  if (match === null) return undefined;
  const [, local = "", localPort = "", remote = "", remotePort = "", state = "", uid = "", inode = ""] = match;
  if (!HELD_STATES.has(state) || Number(inode) === 0) return undefined;
  return { key: key(withoutMapping(local), localPort, withoutMapping(remote), remotePort), uid: Number(uid) };
}

/**
 * The key of the row whose own end is `from` and whose other end is `to`. Undefined where an end is neither IPv4 (also
 * as IPv6, `::ffff:127.0.0.1`) nor `::1`.
 */
export function connectionKey(from: Address, to: Address): string | undefined {
  const [fromHex, toHex] = [addressHex(from.host), addressHex(to.host)];
  if (fromHex === undefined || toHex === undefined) return undefined;
  return key(fromHex, portHex(from.port), toHex, portHex(to.port));
}

const key = (local: string, localPort: string, remote: string, remotePort: string): string =>
  `${local}:${localPort} ${remote}:${remotePort}`;

/** A client may reach an IPv4 address by an IPv6 socket. */
const withoutMapping = (hex: string): string => (hex.startsWith(MAPPED_PREFIX) ? hex.slice(24) : hex);

const portHex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

function addressHex(host: string): string | undefined {
  if (host === "::1") return IPV6_LOOPBACK;
  const match = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(host);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return Buffer.from(LITTLE_ENDIAN ? bytes.reverse() : bytes)
    .toString("hex")
    .toUpperCase();
}

import type { Socket } from "node:net";
import type { Address } from "./address.ts";

const handedOn = new WeakMap<Socket, Address>();

/**
 * Says whose connection a socket carries, where that is not the machine at its other end: a gateway's client, or the
 * peer of the socket below a TLS socket. From then on {@link peerAddress} tells it.
 */
export function setPeerAddress(socket: Socket, address: Address): void {
  handedOn.set(socket, { host: withoutMapping(address.host), port: address.port });
}

/**
 * Whose connection a socket carries: what limits count by, and what lists, logs and the audit log show. The one way to
 * ask for it; `remoteAddress` tells the machine at the other end, which may be a gateway.
 *
 * An IPv4 address is always written as one, also where it came over an IPv6 listener (`::ffff:192.0.2.7`). The host is
 * empty when the socket was gone before anybody asked.
 */
export function peerAddress(socket: Socket): Address {
  return handedOn.get(socket) ?? directPeer(socket);
}

/** The machine at the other end of a socket: a gateway, where there is one. */
export function directPeer({ remoteAddress = "", remotePort = 0 }: Socket): Address {
  return { host: withoutMapping(remoteAddress), port: remotePort };
}

/** The end of a socket on this machine. */
export function localAddress({ localAddress: host = "", localPort = 0 }: Socket): Address {
  return { host: withoutMapping(host), port: localPort };
}

/** Source of the prefix: RFC 4291, section 2.5.5.2. */
function withoutMapping(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

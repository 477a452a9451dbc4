import { isIPv6 } from "node:net";
import { DrawbridgeError } from "./errors.ts";

/** Where to dial or listen. */
export interface Address {
  /** A host name or an IP address; IPv6 without brackets. */
  readonly host: string;
  /** 0 to 65,535; 0 only to listen on a port that the system chooses. */
  readonly port: number;
}

/** How {@link parseAddress} reads what is left out. */
export interface ParseAddressOptions {
  /** The port of a text that names none. Default: a text without a port is refused. */
  readonly defaultPort?: number;
}

const MAX_HOST_LENGTH = 253;

function invalid(text: string, problem: string): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", `"${text.slice(0, 300)}" is not an address: ${problem}`, {
    remedy: "Write HOST:PORT, for example desk.example:3389, 192.0.2.7:3389 or [2001:db8::7]:3389.",
  });
}

/** Splits a text into host and port text; the port text is undefined where there is none. */
function split(text: string): { host: string; port: string | undefined } {
  if (text.includes("://")) throw invalid(text, "it is a URL");
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    if (end < 0) throw invalid(text, "the bracket is not closed");
    const host = text.slice(1, end);
    if (!isIPv6(host)) throw invalid(text, "what stands in brackets is not an IPv6 address");
    const rest = text.slice(end + 1);
    if (rest === "") return { host, port: undefined };
    if (!rest.startsWith(":")) throw invalid(text, "after the bracket comes a colon and the port");
    return { host, port: rest.slice(1) };
  }
  const colon = text.indexOf(":");
  if (colon < 0) return { host: text, port: undefined };
  if (text.includes(":", colon + 1)) throw invalid(text, "an IPv6 address stands in brackets");
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function parsePort(text: string, port: string): number {
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) throw invalid(text, "the port is a number from 0 to 65535");
  return Number(port);
}

/**
 * Reads `host:port`; an IPv6 address stands in brackets. Does not look the name up.
 *
 * @throws DrawbridgeError `invalid-argument`
 */
export function parseAddress(text: string, options: ParseAddressOptions = {}): Address {
  const { host, port } = split(text.trim());
  if (host === "") throw invalid(text, "the host is missing");
  if (host.length > MAX_HOST_LENGTH || !/^[\w.:%-]+$/.test(host))
    throw invalid(text, "the host is not a name or an IP address");
  if (port !== undefined) return { host, port: parsePort(text, port) };
  if (options.defaultPort === undefined) throw invalid(text, "the port is missing");
  return { host, port: options.defaultPort };
}

/** Writes an address as {@link parseAddress} reads it. */
export function formatAddress(address: Address): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

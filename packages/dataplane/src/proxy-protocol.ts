import type { Address } from "./address.ts";
import { DrawbridgeError } from "./errors.ts";
import { encodeGatewayNote, type GatewayNote, readGatewayNote } from "./gateway-note.ts";
import { formatIp, ipBytes } from "./ip-bytes.ts";

// Source: the PROXY protocol's specification, https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, section 2.2.

/** The twelve bytes that a PROXY header of version 2 begins with. */
export const PROXY_SIGNATURE: Buffer = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

/** The most bytes that may follow a header's first 16: the addresses, and whatever a proxy says beside them. */
export const MAX_PROXY_HEADER_REST_BYTES = 2048;

/** The two ends of the connection that a proxy passes on. */
export interface ProxiedConnection {
  /** The client, as the proxy sees it. */
  readonly source: Address;
  /** Where the client connected to. */
  readonly destination: Address;
}

/**
 * What a header says: who the client is, or nothing, because the connection is the proxy's own (`LOCAL`, a health
 * check) or the client's address is of a kind that the proxy, or this program, does not know (`UNSPEC`, Unix, UDP).
 * `gateway` is there when the proxy is a cloud gateway.
 */
export type ProxyHeader = { readonly gateway?: GatewayNote } & (
  | { readonly kind: "proxied"; readonly connection: ProxiedConnection }
  | { readonly kind: "local" }
  | { readonly kind: "unknown" }
);

/** What {@link ProxyHeaderReader.push} knows so far. `rest` are bytes of the stream that came with the header. */
export type ProxyHeaderProgress =
  | { readonly state: "incomplete" }
  | { readonly state: "complete"; readonly header: ProxyHeader; readonly rest: Buffer };

const FIXED_BYTES = 16;
const VERSION_2 = 0x20;
const LOCAL = 0x0;
const PROXY = 0x1;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
/** What the addresses take up, by address family: none, IPv4, IPv6, Unix. */
const ADDRESS_BYTES = [0, 12, 36, 216];
const NO_BYTES = Buffer.alloc(0);
/** Address families up to Unix, transports up to datagram. */
const LAST_FAMILY = 3;
const LAST_TRANSPORT = 2;

function violation(message: string): DrawbridgeError {
  return new DrawbridgeError("protocol-violation", message);
}

/**
 * The header that passes a connection on. Where the two addresses are not of one family, it says that the client is
 * unknown; so does one without a connection, for a connection of the proxy's own.
 *
 * @param note what a cloud gateway says of itself.
 */
export function encodeProxyHeader(connection?: ProxiedConnection, note?: GatewayNote): Buffer {
  const addresses = connection && addressBlock(connection);
  const rest = Buffer.concat([addresses ?? NO_BYTES, note === undefined ? NO_BYTES : encodeGatewayNote(note)]);
  const family = addresses === undefined ? 0 : addresses.length === 12 ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
  const fixed = Buffer.alloc(FIXED_BYTES);
  PROXY_SIGNATURE.copy(fixed);
  fixed.writeUInt8(VERSION_2 | (connection === undefined ? LOCAL : PROXY), 12);
  fixed.writeUInt8(family, 13);
  fixed.writeUInt16BE(rest.length, 14);
  return Buffer.concat([fixed, rest]);
}

function addressBlock({ source, destination }: ProxiedConnection): Buffer | undefined {
  const [from, to] = [ipBytes(source.host), ipBytes(destination.host)];
  if (from === undefined || to === undefined || from.length !== to.length) return undefined;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return Buffer.concat([from, to, ports]);
}

/**
 * Reads a PROXY header of version 2 from chunks of any size. Holds at most 2,064 bytes. Each mistake is reported at the
 * first byte that cannot be right; after an error or completion the reader is spent. Of what follows the addresses in the
 * header (TLVs) only a cloud gateway's note is read.
 */
export class ProxyHeaderReader {
  #received: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes of the stream.
   *
   * @throws DrawbridgeError `protocol-violation`
   */
  push(chunk: Uint8Array): ProxyHeaderProgress {
    const room = FIXED_BYTES + MAX_PROXY_HEADER_REST_BYTES - this.#received.length;
    const received = Buffer.concat([this.#received, chunk.subarray(0, room)]);
    checkFixedPart(received);
    const end = received.length < FIXED_BYTES ? undefined : FIXED_BYTES + received.readUInt16BE(14);
    if (end === undefined || received.length < end) {
      this.#received = received;
      return { state: "incomplete" };
    }
    const header = readHeader(received.subarray(0, end));
    return { state: "complete", header, rest: Buffer.from(chunk.subarray(end - this.#received.length)) };
  }
}

/** Checks as much of the first 16 bytes as has come. */
function checkFixedPart(received: Buffer): void {
  const length = Math.min(received.length, PROXY_SIGNATURE.length);
  if (PROXY_SIGNATURE.compare(received, 0, length, 0, length) !== 0) {
    throw violation("the connection does not start with a PROXY header of version 2");
  }
  const [command = VERSION_2, family = 0, high = 0, low = 0] = received.subarray(PROXY_SIGNATURE.length);
  if ((command & 0xf0) !== VERSION_2 || (command & 0x0f) > PROXY) {
    throw violation(`the PROXY header has an unknown version or command (0x${command.toString(16)})`);
  }
  if (family >> 4 > LAST_FAMILY || (family & 0x0f) > LAST_TRANSPORT) {
    throw violation(`the PROXY header has an unknown address family or transport (0x${family.toString(16)})`);
  }
  const rest = high * 256 + low;
  if (rest > MAX_PROXY_HEADER_REST_BYTES) {
    throw violation(`the PROXY header is longer than ${FIXED_BYTES + MAX_PROXY_HEADER_REST_BYTES} bytes`);
  }
}

function readHeader(header: Buffer): ProxyHeader {
  const gateway = readGatewayNote(header.subarray(FIXED_BYTES + (ADDRESS_BYTES[header.readUInt8(13) >> 4] ?? 0)));
  return { ...readConnection(header), ...(gateway && { gateway }) };
}

function readConnection(header: Buffer): ProxyHeader {
  if ((header.readUInt8(12) & 0x0f) === LOCAL) return { kind: "local" };
  switch (header.readUInt8(13)) {
    case TCP_OVER_IPV4:
      return { kind: "proxied", connection: readAddresses(header.subarray(FIXED_BYTES), 4) };
    case TCP_OVER_IPV6:
      return { kind: "proxied", connection: readAddresses(header.subarray(FIXED_BYTES), 16) };
    default:
      return { kind: "unknown" };
  }
}

function readAddresses(block: Buffer, size: number): ProxiedConnection {
  if (block.length < 2 * size + 4) throw violation("the PROXY header is too short for its addresses");
  return {
    source: { host: formatIp(block.subarray(0, size)), port: block.readUInt16BE(2 * size) },
    destination: { host: formatIp(block.subarray(size, 2 * size)), port: block.readUInt16BE(2 * size + 2) },
  };
}

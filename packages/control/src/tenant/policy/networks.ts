import { isIP } from "node:net";
import { DrawbridgeError, ipBytes, refuseForbiddenTarget } from "@drawbridge/dataplane";

/** An IP address of a free target, as the tenant redirector sees it. */
export interface TargetAddress {
  /** Without a scope. */
  readonly address: string;
  /** Whether it is one of this machine's own. */
  readonly own: boolean;
}

/** One IP address, or a range of them. */
interface Network {
  readonly bytes: Buffer;
  /** How many leading bits count. */
  readonly prefix: number;
}

/** Addresses that only lead back to this machine. Source: RFC 6890. */
const LOOPBACK = ["127.0.0.0/8", "::1"].map(readNetwork);

/** IP networks, as a policy names them for free targets: `10.0.0.5`, `10.0.0.0/8`, `fd00::/8`. */
export class Networks {
  readonly #networks: readonly Network[];

  /** @throws DrawbridgeError `invalid-argument`, for a text that is neither, or not the beginning of its range. */
  constructor(texts: readonly string[]) {
    this.#networks = texts.map(readNetwork);
  }

  /** Whether an address is named, by a range or by itself. False for what is no address. */
  names(address: string): boolean {
    const bytes = ipBytes(address);
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes));
  }

  /**
   * Whether an address may be dialled that is in these networks. A wide range does not open what is this machine's own:
   * loopback has to be named by networks inside of it, another address of this machine by itself. What no target may have
   * is never permitted.
   */
  permits({ address, own }: TargetAddress): boolean {
    const bytes = ipBytes(address);
    if (bytes === undefined || isForbidden(address)) return false;
    const loopback = LOOPBACK.find((network) => contains(network, bytes));
    return this.#networks.some((network) => {
      if (!contains(network, bytes)) return false;
      if (loopback !== undefined) return network.prefix >= loopback.prefix;
      return !own || network.prefix === bytes.length * 8;
    });
  }
}

function readNetwork(text: string): Network {
  const [address = "", length, more] = text.split("/");
  const bytes = isIP(address) === 0 || address.includes("%") ? undefined : ipBytes(address);
  if (bytes === undefined || more !== undefined) throw invalid(text);
  const bits = bytes.length * 8;
  if (length === undefined) return { bytes, prefix: bits };
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) throw invalid(text);
  const network = { bytes, prefix: Number(length) };
  const first = Buffer.from(bytes.map((byte, index) => byte & maskByte(network.prefix, index)));
  if (!first.equals(bytes)) throw invalid(text);
  return network;
}

function contains({ bytes, prefix }: Network, address: Buffer): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, index) => ((byte ^ (address[index] ?? 0)) & maskByte(prefix, index)) === 0);
}

/** The bits of one byte of an address that a prefix of so many bits covers. */
function maskByte(prefix: number, index: number): number {
  return (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * index))) & 0xff;
}

function isForbidden(address: string): boolean {
  try {
    refuseForbiddenTarget(address);
    return false;
  } catch {
    return true;
  }
}

function invalid(text: string): DrawbridgeError {
  const message = `"${text.slice(0, 60)}" is no network: write for example 10.0.0.5, 10.0.0.0/8 or "fd00::/8"`;
  return new DrawbridgeError("invalid-argument", message);
}

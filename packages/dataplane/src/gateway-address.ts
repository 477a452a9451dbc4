import { formatAddress, parseAddress } from "./address.ts";
import { DrawbridgeError } from "./errors.ts";

/**
 * One entry of the list that says where a provider is reached.
 *
 * - `place`: one gateway; `address` is `host:port`. `priority` is undefined where the position in the list says it.
 * - `service`: a name whose SRV records (RFC 2782) say which gateways there are.
 */
export type GatewayAddress =
  | {
      readonly kind: "place";
      readonly address: string;
      readonly priority: number | undefined;
      readonly weight: number;
    }
  | { readonly kind: "service"; readonly name: string };

/** The longest entry that the contract allows, in bytes. */
export const MAX_GATEWAY_ADDRESS_BYTES = 280;

/** How often a place that names no weight is chosen among others of its priority. */
export const DEFAULT_GATEWAY_WEIGHT = 1;

const WITH_NUMBERS = /^(\d{1,5})\s+(\d{1,5})\s+(\S+)$/;
const LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?";
const SERVICE = new RegExp(`^_[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\._(tcp|udp)(\\.${LABEL})+\\.?$`, "i");
const MAX_NUMBER = 65_535;

/**
 * Reads an entry: `HOST:PORT`, `PRIORITY WEIGHT HOST:PORT` or `_SERVICE._PROTO.NAME`. The grammar is specified at
 * InviteCode.addresses in proto/drawbridge/v1/enrollment.proto. Does not look names up.
 *
 * @throws DrawbridgeError `invalid-argument`
 */
export function parseGatewayAddress(text: string): GatewayAddress {
  const trimmed = text.trim();
  if (Buffer.byteLength(trimmed) > MAX_GATEWAY_ADDRESS_BYTES) throw invalid(trimmed, "it is too long");
  if (trimmed.startsWith("_") && !trimmed.includes(":")) return service(trimmed);
  const [, priority, weight, place = trimmed] = WITH_NUMBERS.exec(trimmed) ?? [];
  if (/\s/.test(place)) throw invalid(trimmed, "it is not HOST:PORT, with or without PRIORITY and WEIGHT before it");
  const address = parseAddress(place);
  if (address.port === 0) throw invalid(trimmed, "nobody can dial port 0");
  return {
    kind: "place",
    address: formatAddress(address),
    priority: priority === undefined ? undefined : numberIn(trimmed, priority),
    weight: weight === undefined ? DEFAULT_GATEWAY_WEIGHT : numberIn(trimmed, weight),
  };
}

/** Writes an entry as {@link parseGatewayAddress} reads it. */
export function formatGatewayAddress(entry: GatewayAddress): string {
  if (entry.kind === "service") return entry.name;
  const { address, priority, weight } = entry;
  return priority === undefined ? address : `${priority} ${weight} ${address}`;
}

function service(name: string): GatewayAddress {
  if (!SERVICE.test(name)) throw invalid(name, "a service is written _SERVICE._tcp.NAME, or the port is missing");
  return { kind: "service", name: name.toLowerCase().replace(/\.$/, "") };
}

function numberIn(text: string, digits: string): number {
  const number = Number(digits);
  if (number > MAX_NUMBER) throw invalid(text, `priority and weight are numbers from 0 to ${MAX_NUMBER}`);
  return number;
}

function invalid(text: string, problem: string): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", `"${text.slice(0, 300)}" is not a gateway's address: ${problem}`, {
    remedy: "Write HOST:PORT, PRIORITY WEIGHT HOST:PORT, or _drawbridge._tcp.NAME for SRV records.",
  });
}

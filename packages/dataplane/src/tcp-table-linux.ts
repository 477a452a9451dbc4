import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { ipBytes } from "./ip-bytes.ts";

/** A TCP connection's two ends, this machine's first. */
export interface TcpEnds {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

const FILES = ["/proc/net/tcp", "/proc/net/tcp6"];

// Columns: number, local, remote, state, queues, timer, retransmits (https://docs.kernel.org/networking/proc_net_tcp.html).
const END = "([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})";
const ROW = new RegExp(`^ *[0-9]+: ${END} ${END} [0-9A-F]{2} [0-9A-F:]+ ([0-9A-F]{2}):[0-9A-F]+ ([0-9A-F]+) `);

/** The kernel's timer that repeats what is not acknowledged; others count other things in the same column. */
const RETRANSMIT_TIMER = "01";

/** The words of an address are printed in the machine's own byte order. */
const WORD_BYTES = 4;
const LITTLE_ENDIAN = endianness() === "LE";

/**
 * How often in a row the kernel has repeated what each connection's peer does not acknowledge; connections with nothing
 * to repeat are left out. Empty where there is no Linux /proc.
 *
 * @returns by {@link tcpKey}
 */
export async function readRetransmits(): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const file of FILES) {
    const text = await readFile(file, "latin1").catch(() => "");
    for (const line of text.split("\n")) {
      const row = parseRetransmits(line);
      if (row !== undefined) found.set(row.key, row.count);
    }
  }
  return found;
}

/** Reads one line. Undefined for what is no row, and for a connection that repeats nothing. Never throws. */
export function parseRetransmits(line: string): { readonly key: string; readonly count: number } | undefined {
  const match = ROW.exec(line);
  if (match === null) return undefined;
  const [, local = "", localPort = "", remote = "", remotePort = "", timer = "", retransmits = ""] = match;
  const count = parseInt(retransmits, 16);
  if (timer !== RETRANSMIT_TIMER || count === 0) return undefined;
  return { key: `${local}:${localPort} ${remote}:${remotePort}`, count };
}

/** The key of a connection in {@link readRetransmits}; undefined where an end is no IP address. */
export function tcpKey({ localAddress, localPort, remoteAddress, remotePort }: TcpEnds): string | undefined {
  const [local, remote] = [addressHex(localAddress), addressHex(remoteAddress)];
  if (local === undefined || remote === undefined) return undefined;
  return `${local}:${portHex(localPort)} ${remote}:${portHex(remotePort)}`;
}

const portHex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

function addressHex(address: string): string | undefined {
  const bytes = ipBytes(address);
  if (bytes === undefined) return undefined;
  const printed = Buffer.from(bytes);
  for (let at = 0; LITTLE_ENDIAN && at < printed.length; at += WORD_BYTES)
    printed.subarray(at, at + WORD_BYTES).reverse();
  return printed.toString("hex").toUpperCase();
}

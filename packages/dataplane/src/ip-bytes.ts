const GROUPS = 8;

/** The bytes of an IP address, four or sixteen; undefined for what is none. An IPv6 scope (`%eth0`) is left out. */
export function ipBytes(text: string): Buffer | undefined {
  const [address = ""] = text.split("%");
  return address.includes(":") ? ipv6Bytes(address) : ipv4Bytes(address);
}

/** Writes four or sixteen bytes as an IP address, IPv6 as RFC 5952 says. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

function ipv4Bytes(text: string): Buffer | undefined {
  const parts = text.split(".");
  const valid = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return valid ? Buffer.from(parts.map(Number)) : undefined;
}

/** Source of the text forms: RFC 4291, section 2.2. */
function ipv6Bytes(text: string): Buffer | undefined {
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined) return undefined;
  const [before, after] = [ipv6Groups(head), ipv6Groups(tail ?? "")];
  if (before === undefined || after === undefined) return undefined;
  const missing = GROUPS - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array<number>(missing).fill(0), ...after];
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The 16-bit groups of one side of a `::`; the last two may be written as an IPv4 address. */
function ipv6Groups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const dotted = index === parts.length - 1 && part.includes(".") ? ipv4Bytes(part) : undefined;
    if (dotted !== undefined) groups.push(dotted.readUInt16BE(0), dotted.readUInt16BE(2));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function formatIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: GROUPS }, (_, index) => view.getUint16(2 * index));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.slice(12).join(".")}`;
  }
  const { start, length } = longestZeros(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The longest run of zero groups, the first of several. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}

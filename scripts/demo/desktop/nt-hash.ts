/** MD4's three rounds (RFC 1320): added constant, order of the message's words, shifts, and function. */
const ROUNDS: readonly Round[] = [
  {
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
    mix: (x, y, z) => (x & y) | (~x & z),
  },
  {
    constant: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
  },
  {
    constant: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
    mix: (x, y, z) => x ^ y ^ z,
  },
];

interface Round {
  readonly constant: number;
  readonly order: readonly number[];
  readonly shifts: readonly number[];
  readonly mix: (x: number, y: number, z: number) => number;
}

type State = [number, number, number, number];

/** RFC 1320, which Node's OpenSSL no longer carries. Good for talking to NTLM and for nothing else. */
export function md4(message: Buffer): Buffer {
  const padding = Buffer.alloc(((119 - (message.length % 64)) % 64) + 9);
  padding[0] = 0x80;
  padding.writeBigUInt64LE(BigInt(message.length) * 8n, padding.length - 8);
  const padded = Buffer.concat([message, padding]);
  let state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += 64) state = compress(state, padded.subarray(at, at + 64));
  const digest = Buffer.alloc(16);
  state.forEach((word, index) => digest.writeUInt32LE(word >>> 0, index * 4));
  return digest;
}

function compress(before: State, block: Buffer): State {
  let [a, b, c, d] = before;
  for (const { constant, order, shifts, mix } of ROUNDS) {
    order.forEach((word, index) => {
      const sum = (a + mix(b, c, d) + block.readUInt32LE(word * 4) + constant) | 0;
      const shift = shifts[index % 4] ?? 0;
      [a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c];
    });
  }
  return [(before[0] + a) | 0, (before[1] + b) | 0, (before[2] + c) | 0, (before[3] + d) | 0];
}

/** The hash that a SAM file holds for a password ([MS-NLMP] 3.3.1, NTOWFv1), in lower-case hex. */
export function ntHash(password: string): string {
  return md4(Buffer.from(password, "utf16le")).toString("hex");
}

/** What a cloud gateway says of itself in the PROXY headers that it sends. */
export interface GatewayNote {
  /** Names the running gateway: 16 random bytes, hexadecimal. Several gateways may share one address. */
  readonly instance: string;
  /** It takes no new connections, and ends those that are left in so many milliseconds. Absent: it does not drain. */
  readonly drainingMs?: number;
}

/**
 * The type of the field (TLV) that holds a note: one of those that the PROXY protocol leaves to its users (section 2.2,
 * PP2_TYPE_MIN_CUSTOM). Others' proxies use 0xE0, 0xEA and 0xEE in their own ways; hence the magic too.
 */
const NOTE_TYPE = 0xe4;
const MAGIC = Buffer.from("DBG1", "latin1");
const INSTANCE_BYTES = 16;
const DRAINING_BYTES = 4;
const MAX_DRAINING_MS = 2 ** 32 - 1;
/** A field's type and length. */
const FIELD_HEAD_BYTES = 3;

/** The field of a PROXY header that holds a note; docs/PROTOCOL.md says what is in it. */
export function encodeGatewayNote({ instance, drainingMs }: GatewayNote): Buffer {
  const parts = [MAGIC, Buffer.from(instance, "hex")];
  if (drainingMs !== undefined) {
    const left = Buffer.alloc(DRAINING_BYTES);
    left.writeUInt32BE(Math.min(MAX_DRAINING_MS, Math.max(0, Math.round(drainingMs))));
    parts.push(left);
  }
  const value = Buffer.concat(parts);
  const head = Buffer.alloc(FIELD_HEAD_BYTES);
  head.writeUInt8(NOTE_TYPE, 0);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

/** The note among a PROXY header's fields; undefined where there is none. What is not understood is skipped. */
export function readGatewayNote(fields: Buffer): GatewayNote | undefined {
  for (let rest = fields; rest.length >= FIELD_HEAD_BYTES;) {
    const end = FIELD_HEAD_BYTES + rest.readUInt16BE(1);
    const note = rest.readUInt8(0) === NOTE_TYPE ? noteIn(rest.subarray(FIELD_HEAD_BYTES, end)) : undefined;
    if (note !== undefined) return note;
    rest = rest.subarray(end);
  }
  return undefined;
}

function noteIn(value: Buffer): GatewayNote | undefined {
  const plainBytes = MAGIC.length + INSTANCE_BYTES;
  if (value.length < plainBytes || !value.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const instance = value.subarray(MAGIC.length, plainBytes).toString("hex");
  if (value.length < plainBytes + DRAINING_BYTES) return { instance };
  return { instance, drainingMs: value.readUInt32BE(plainBytes) };
}

import { createHash } from "node:crypto";

/** What a record's hash covers, beside the hash before it. Text is UTF-8. */
export interface HashedFields {
  readonly sequence: bigint;
  /** Milliseconds since the Unix epoch. */
  readonly time: bigint;
  readonly event: Uint8Array;
  readonly tenant: Uint8Array;
  readonly operator: Uint8Array;
  readonly detailsJson: Uint8Array;
}

/** The hash before the first record: 32 zero bytes, in hex. */
export const GENESIS_HASH = "00".repeat(32);

/**
 * The hash of a record: SHA-256 over, in this order and with nothing between,
 *
 *   32 bytes     the hash of the record before it; 32 zero bytes before the first
 *    8 bytes     sequence, signed, big-endian
 *    8 bytes     time in milliseconds since the Unix epoch, signed, big-endian
 *    4 + n bytes event: its length in bytes, unsigned, big-endian, then its UTF-8
 *    4 + n bytes tenant, likewise; empty when there is none
 *    4 + n bytes operator, likewise; empty when there is none
 *    4 + n bytes details: the JSON text exactly as stored and as `audit` prints it, likewise
 *
 * The lengths make it impossible for two different records to have the same bytes.
 * @param previous the hash before, 64 hex digits.
 * @returns 64 lower-case hex digits.
 */
export function auditHash(previous: string, fields: HashedFields): string {
  const head = Buffer.alloc(16);
  head.writeBigInt64BE(fields.sequence, 0);
  head.writeBigInt64BE(fields.time, 8);
  const hash = createHash("sha256").update(Buffer.from(previous, "hex")).update(head);
  for (const text of [fields.event, fields.tenant, fields.operator, fields.detailsJson]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    hash.update(length).update(text);
  }
  return hash.digest("hex");
}

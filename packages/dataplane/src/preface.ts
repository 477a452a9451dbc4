import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { DrawbridgeError } from "./errors.ts";
import { HANDSHAKE_TOKEN_BYTES, HandshakeToken } from "./handshake-token.ts";

// The format is specified in proto/drawbridge/v1/preface.proto. It is coded by hand, because the data plane imports
// nothing of ours, generated code included; test/contract holds the two together.

/** The first four bytes on every leg: `DBR1`. */
export const PREFACE_MAGIC: Buffer = Buffer.from("DBR1", "latin1");

/** The most bytes that may follow the preface's length, in bytes. */
export const MAX_PREFACE_BYTES = 1024;

const HEADER_BYTES = PREFACE_MAGIC.length + 2;
const TOKEN_FIELD = 1;

/** What {@link PrefaceReader.push} knows so far. `rest` are bytes of the stream that came with the preface. */
export type PrefaceProgress =
  | { readonly state: "incomplete" }
  | { readonly state: "complete"; readonly token: HandshakeToken; readonly rest: Buffer };

/** The bytes that a leg starts with. */
export function encodePreface(token: HandshakeToken): Buffer {
  const message = new BinaryWriter().tag(TOKEN_FIELD, WireType.LengthDelimited).bytes(token.bytes).finish();
  const header = Buffer.alloc(HEADER_BYTES);
  PREFACE_MAGIC.copy(header);
  header.writeUInt16BE(message.length, PREFACE_MAGIC.length);
  return Buffer.concat([header, message]);
}

function bufferView(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function violation(message: string, cause?: unknown): DrawbridgeError {
  return new DrawbridgeError("protocol-violation", message, cause === undefined ? {} : { cause });
}

/** Reads the message. Unknown fields are skipped, the last of several tokens counts: protobuf's rules. */
function decodeToken(message: Uint8Array): HandshakeToken {
  let token: Uint8Array = new Uint8Array();
  try {
    const reader = new BinaryReader(message);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === TOKEN_FIELD && wireType === WireType.LengthDelimited) token = reader.bytes();
      else reader.skip(wireType, field);
    }
  } catch (error) {
    throw violation("the preface is not a protobuf message", error);
  }
  if (token.length !== HANDSHAKE_TOKEN_BYTES) {
    throw violation(`the preface's token has ${token.length} bytes instead of ${HANDSHAKE_TOKEN_BYTES}`);
  }
  return HandshakeToken.fromBytes(token);
}

/**
 * Reads a preface from chunks of any size. Holds at most 1,030 bytes. Each mistake is reported at the first byte that
 * cannot be right; after an error or completion the reader is spent.
 */
export class PrefaceReader {
  #received: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes of the stream.
   *
   * @throws DrawbridgeError `protocol-violation`
   */
  push(chunk: Uint8Array): PrefaceProgress {
    const room = HEADER_BYTES + MAX_PREFACE_BYTES - this.#received.length;
    const received = Buffer.concat([this.#received, chunk.subarray(0, room)]);
    this.#checkMagic(received);
    const length = this.#messageLength(received);
    if (length === undefined || received.length < HEADER_BYTES + length) {
      this.#received = received;
      return { state: "incomplete" };
    }
    const end = HEADER_BYTES + length;
    const token = decodeToken(received.subarray(HEADER_BYTES, end));
    return { state: "complete", token, rest: bufferView(chunk.subarray(end - this.#received.length)) };
  }

  #checkMagic(received: Buffer): void {
    const length = Math.min(received.length, PREFACE_MAGIC.length);
    if (PREFACE_MAGIC.compare(received, 0, length, 0, length) !== 0) {
      throw violation("the leg does not start with a preface of Drawbridge");
    }
  }

  /** The message's length, or undefined while its two bytes have not both come. */
  #messageLength(received: Buffer): number | undefined {
    const high = received[PREFACE_MAGIC.length];
    const low = received[PREFACE_MAGIC.length + 1];
    if (high === undefined) return undefined;
    // The high byte alone already tells that the length is too large.
    const atLeast = high * 256 + (low ?? 0);
    if (atLeast > MAX_PREFACE_BYTES) throw violation(`the preface is longer than ${MAX_PREFACE_BYTES} bytes`);
    if (low === undefined) return undefined;
    if (atLeast === 0) throw violation("the preface is empty");
    return atLeast;
  }
}

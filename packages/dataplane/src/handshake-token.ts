import { createHash, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { DrawbridgeError } from "./errors.ts";

/** The length of a handshake token, in bytes. */
export const HANDSHAKE_TOKEN_BYTES = 32;

const REDACTED = "[redacted]";

/** 256 random bits that name one leg of one link. Works once. Prints as `[redacted]` wherever it is logged. */
export class HandshakeToken {
  readonly #bytes: Buffer;
  #digest: string | undefined;

  private constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  /** A new token from the system's random source. */
  static generate(): HandshakeToken {
    return new HandshakeToken(randomBytes(HANDSHAKE_TOKEN_BYTES));
  }

  /**
   * The token of these bytes, which are copied.
   *
   * @throws DrawbridgeError `token-invalid` unless there are exactly 32
   */
  static fromBytes(bytes: Uint8Array): HandshakeToken {
    if (bytes.length !== HANDSHAKE_TOKEN_BYTES) {
      throw new DrawbridgeError(
        "token-invalid",
        `a handshake token has ${HANDSHAKE_TOKEN_BYTES} bytes, this one has ${bytes.length}`,
      );
    }
    return new HandshakeToken(bytes);
  }

  /** A copy of the secret bytes, to be sent and for nothing else. */
  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** SHA-256 in hex. Tables are keyed by it, so that a look-up's timing says nothing about the token itself. */
  digest(): string {
    this.#digest ??= createHash("sha256").update(this.#bytes).digest("hex");
    return this.#digest;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

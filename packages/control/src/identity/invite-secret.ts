import { createHash, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { DrawbridgeError } from "@drawbridge/dataplane";

/** The size of an invite code's secret, in bytes. */
export const INVITE_SECRET_BYTES = 16;

const REDACTED = "[invite secret redacted]";

/** The secret of an invite code. It prints as redacted however it is printed; only {@link bytes} reveals it. */
export class InviteSecret {
  readonly #bytes: Buffer;

  /** @throws DrawbridgeError `invite-invalid` unless there are exactly 16 bytes. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== INVITE_SECRET_BYTES) {
      const message = `the invite code's secret has ${bytes.length} bytes, not ${INVITE_SECRET_BYTES}`;
      throw new DrawbridgeError("invite-invalid", message, { remedy: "Ask the provider for a new invite code." });
    }
    this.#bytes = Buffer.from(bytes);
  }

  /** A new one from the system's random source. */
  static random(): InviteSecret {
    return new InviteSecret(randomBytes(INVITE_SECRET_BYTES));
  }

  /** The secret itself, a copy: for the invite code and the enrolment request, and for nothing else. */
  bytes(): Buffer {
    return Buffer.from(this.#bytes);
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

/**
 * What the store keeps in place of the secret: the SHA-256 of `drawbridge-invite-1:` and the secret, in hex. A plain
 * hash is enough, since 128 random bits cannot be guessed from it.
 */
export function hashInviteSecret(secret: InviteSecret): string {
  return createHash("sha256").update("drawbridge-invite-1:").update(secret.bytes()).digest("hex");
}

import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { type InviteCode as InviteCodeMessage, InviteCodeSchema } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { INVITE_SECRET_BYTES, InviteSecret } from "./invite-secret.ts";

/** What an invite code holds; its wire form is specified in proto/drawbridge/v1/enrollment.proto. */
export interface InviteCode {
  /** Where the cloud redirector or its gateways are reached, as `host:port`, in order of preference: 1 to 8. */
  readonly addresses: readonly string[];
  /** The SHA-256 of the CA's DER certificate, 32 bytes. */
  readonly caFingerprint: Buffer;
  readonly secret: InviteSecret;
}

const PREFIX = "DBI1-";
const CHECKSUM_BYTES = 4;
const FINGERPRINT_BYTES = 32;
const MAX_ADDRESSES = 8;
const MAX_ADDRESS_BYTES = 280;
/** Longer than any code with 8 addresses of 280 bytes, so that nothing longer is looked at. */
const MAX_TEXT_LENGTH = 4096;

/**
 * The code as people pass it on. A secret: anyone who has it can enrol.
 * @throws DrawbridgeError `invalid-argument` for addresses or a fingerprint that the contract does not allow.
 */
export function encodeInviteCode(code: InviteCode): string {
  const { addresses, caFingerprint, secret } = code;
  const message = create(InviteCodeSchema, { addresses: [...addresses], caFingerprint, secret: secret.bytes() });
  const problem = contentProblem(message);
  if (problem !== undefined) throw new DrawbridgeError("invalid-argument", `no invite code can be made: ${problem}`);
  const body = toBinary(InviteCodeSchema, message);
  return PREFIX + Buffer.concat([body, checksum(body)]).toString("base64url");
}

/**
 * What a code says. White space and line breaks, as mail programs insert them, are ignored, and so are quotation marks
 * and angle brackets around it, which come along when it is copied.
 * @throws DrawbridgeError `invite-invalid`, whose text says whether it is no invite code at all, cut off, or mistyped.
 * The text never repeats the code.
 */
export function decodeInviteCode(text: string): InviteCode {
  if (text.length > MAX_TEXT_LENGTH) throw invalid("the text is too long for an invite code", COPY_AGAIN);
  const bytes = decodeText(text.replace(/\s+/g, "").replace(WRAPPING, ""));
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_BYTES));
  const message = parseBody(body);
  const intact = checksum(body).equals(bytes.subarray(body.length));
  if (message === undefined) {
    if (intact)
      throw invalid("the invite code is intact, but what it says is wrong", "Ask the provider for a new one.");
    throw cutOff();
  }
  if (!intact) throw invalid("the invite code is mistyped: its checksum is wrong", COPY_AGAIN);
  return {
    addresses: message.addresses,
    caFingerprint: Buffer.from(message.caFingerprint),
    secret: new InviteSecret(message.secret),
  };
}

const WRAPPING = /^["'`<“„‘«]+|["'`>”“’»]+$/g;

const COPY_AGAIN = "Copy the whole code again, from DBI1- to its last character.";

function decodeText(code: string): Buffer {
  if (code === "") throw invalid("there is no invite code: the text is empty", COPY_AGAIN);
  if (!code.startsWith(PREFIX)) throw notAnInvite(code);
  const encoded = code.slice(PREFIX.length);
  const stranger = /[^A-Za-z0-9_-]/u.exec(encoded)?.[0];
  if (stranger !== undefined) {
    throw invalid(`the invite code is mistyped: it cannot contain ${JSON.stringify(stranger)}`, COPY_AGAIN);
  }
  const bytes = Buffer.from(encoded, "base64url");
  // A code has one spelling: base64url's spare bits must be zero, and a lone last character stands for nothing.
  if (bytes.toString("base64url") !== encoded) throw cutOff();
  return bytes;
}

function notAnInvite(code: string): DrawbridgeError {
  if (/^DBI[0-9]+-/.test(code)) {
    return invalid(
      "the invite code is of a kind that this version does not know",
      "Update drawbridge, then try again.",
    );
  }
  if (PREFIX.startsWith(code)) return cutOff();
  return invalid("this is not an invite code: it does not begin with DBI1-", COPY_AGAIN);
}

function cutOff(): DrawbridgeError {
  return invalid("the invite code is cut off or mistyped", COPY_AGAIN);
}

function parseBody(body: Uint8Array): InviteCodeMessage | undefined {
  try {
    const message = fromBinary(InviteCodeSchema, body);
    return contentProblem(message) === undefined ? message : undefined;
  } catch {
    return undefined;
  }
}

function contentProblem(message: InviteCodeMessage): string | undefined {
  const { addresses, caFingerprint, secret } = message;
  if (addresses.length === 0) return "it has no address";
  if (addresses.length > MAX_ADDRESSES) return `it has ${addresses.length} addresses, more than ${MAX_ADDRESSES}`;
  if (addresses.some((address) => address === "" || Buffer.byteLength(address) > MAX_ADDRESS_BYTES)) {
    return `an address of it is empty or longer than ${MAX_ADDRESS_BYTES} bytes`;
  }
  if (caFingerprint.length !== FINGERPRINT_BYTES) return "its CA fingerprint has not 32 bytes";
  if (secret.length !== INVITE_SECRET_BYTES) return "its secret has not 16 bytes";
  return undefined;
}

function checksum(body: Uint8Array): Buffer {
  return createHash("sha256").update(body).digest().subarray(0, CHECKSUM_BYTES);
}

function invalid(message: string, remedy: string): DrawbridgeError {
  return new DrawbridgeError("invite-invalid", message, { remedy });
}

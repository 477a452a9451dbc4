import { protocolOfValue, type SecurityProtocol } from "./security-protocol.ts";

/** Why an RDP server refuses to go on: the failureCode of [MS-RDPBCGR] 2.2.1.2.2. */
export type NegotiationFailure =
  | "tls-required"
  | "tls-not-allowed"
  | "no-certificate"
  | "inconsistent-flags"
  | "nla-required"
  | "tls-with-user-auth-required"
  | "unknown";

/** What an RDP server answered to the negotiation request. */
export type RdpAnswer =
  /** It selected one of the protocols. */
  | { readonly kind: "selected"; readonly protocol: SecurityProtocol }
  /** It is there, and wants another security than was offered. */
  | { readonly kind: "failure"; readonly failure: NegotiationFailure }
  /** It is older than the negotiation: standard RDP security only. */
  | { readonly kind: "legacy" };

/** What {@link ConnectionConfirmReader.push} knows so far. */
export type ConfirmProgress =
  | { readonly state: "incomplete" }
  | { readonly state: "complete"; readonly answer: RdpAnswer; readonly rest: Buffer }
  /** No RDP server says such a thing. `seen` is how it began, at most {@link MAX_CONFIRM_BYTES} bytes. */
  | { readonly state: "not-rdp"; readonly seen: Buffer };

/** The longest Connection Confirm that is read. The specification's have 11 or 19 bytes. */
export const MAX_CONFIRM_BYTES = 256;

const HEADER_BYTES = 11;
const NEGOTIATION_BYTES = 8;
const X224_CONNECTION_CONFIRM = 0xd0;
const TYPE_RDP_NEG_RSP = 0x02;
const TYPE_RDP_NEG_FAILURE = 0x03;

const FAILURES: Readonly<Record<number, NegotiationFailure>> = {
  1: "tls-required",
  2: "tls-not-allowed",
  3: "no-certificate",
  4: "inconsistent-flags",
  5: "nla-required",
  6: "tls-with-user-auth-required",
};

/**
 * Reads an X.224 Connection Confirm in its TPKT ([MS-RDPBCGR] 2.2.1.2) from chunks of any size. Holds at most
 * {@link MAX_CONFIRM_BYTES} bytes, and tells at the first byte that cannot be right that the server is none of RDP's.
 */
export class ConnectionConfirmReader {
  #received: Buffer = Buffer.alloc(0);

  /** Whether nothing has come yet. */
  get isEmpty(): boolean {
    return this.#received.length === 0;
  }

  /** What has come so far. */
  get received(): Buffer {
    return this.#received;
  }

  /** Takes the next bytes of the stream. After `complete` or `not-rdp` the reader is spent. */
  push(chunk: Uint8Array): ConfirmProgress {
    const before = this.#received.length;
    this.#received = Buffer.concat([this.#received, chunk.subarray(0, MAX_CONFIRM_BYTES - before)]);
    const received = this.#received;
    if (!beginsLikeConfirm(received)) return { state: "not-rdp", seen: received };
    if (received.length < 4) return { state: "incomplete" };
    const length = received.readUInt16BE(2);
    if (received.length < length) return { state: "incomplete" };
    const answer = answerOf(received.subarray(0, length));
    if (answer === undefined) return { state: "not-rdp", seen: received };
    return { state: "complete", answer, rest: Buffer.from(chunk.subarray(length - before)) };
  }
}

/** Whether these bytes may still become a Connection Confirm. */
function beginsLikeConfirm(received: Buffer): boolean {
  const [version, , , , indicator, code] = received;
  if (version !== undefined && version !== 3) return false;
  if (received.length < 4) return true;
  const length = received.readUInt16BE(2);
  if (length < HEADER_BYTES || length > MAX_CONFIRM_BYTES) return false;
  if (indicator !== undefined && indicator !== length - 5) return false;
  return code === undefined || code === X224_CONNECTION_CONFIRM;
}

function answerOf(confirm: Buffer): RdpAnswer | undefined {
  const negotiation = confirm.subarray(HEADER_BYTES);
  if (negotiation.length === 0) return { kind: "legacy" };
  if (negotiation.length < NEGOTIATION_BYTES || negotiation.readUInt16LE(2) !== NEGOTIATION_BYTES) return undefined;
  const value = negotiation.readUInt32LE(4);
  switch (negotiation[0]) {
    case TYPE_RDP_NEG_RSP: {
      const protocol = protocolOfValue(value);
      return protocol === undefined ? undefined : { kind: "selected", protocol };
    }
    case TYPE_RDP_NEG_FAILURE:
      return { kind: "failure", failure: FAILURES[value] ?? "unknown" };
    default:
      return undefined;
  }
}

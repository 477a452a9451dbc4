/** The types of the negotiation in a Connection Confirm, [MS-RDPBCGR] 2.2.1.2. */
export const RDP_NEG_RSP = 2;
export const RDP_NEG_FAILURE = 3;

/** A server's answer: a Connection Confirm with a negotiation of this type and value. */
export const confirmBytes = (type: number, value: number): Buffer =>
  Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, type, 0, 8, 0, value, 0, 0, 0]);

/** The answer of a server that is older than the negotiation. */
export const LEGACY_CONFIRM: Buffer = Buffer.from([3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0]);

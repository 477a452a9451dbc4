import { createHash } from "node:crypto";

/** 128 bits: enough that nobody finds another session and target of the same name. */
const LABEL_BYTES = 16;

/**
 * The server name of a link's end-to-end handshake, which binds it to its session and target: whoever joins two legs that
 * were made for different ones is found out. It travels in clear, so it shows neither of them; and it is a host name
 * whatever the target is called (RFC 6066, section 3). Its form is part of the contract: see docs/PROTOCOL.md.
 */
export function targetServerName(sessionId: string, target: string): string {
  const hash = createHash("sha256").update(`${sessionId}\0${target}`).digest();
  return `${hash.subarray(0, LABEL_BYTES).toString("hex")}.target.drawbridge.internal`;
}

import { SECURITY_PROTOCOLS, type SecurityProtocol } from "./security-protocol.ts";

const TPKT_VERSION = 3;
const X224_CONNECTION_REQUEST = 0xe0;
const TYPE_RDP_NEG_REQ = 0x01;

/**
 * The first bytes of an RDP connection: an X.224 Connection Request with an RDP Negotiation Request in a TPKT
 * ([MS-RDPBCGR] 2.2.1.1). 19 bytes; there is no cookie and no routing token.
 *
 * @param protocols those that the client says it can speak
 */
export function encodeConnectionRequest(protocols: readonly SecurityProtocol[]): Buffer {
  const requested = protocols.reduce((flags, protocol) => flags | SECURITY_PROTOCOLS[protocol], 0);
  const request = Buffer.alloc(19);
  request.writeUInt8(TPKT_VERSION, 0);
  request.writeUInt16BE(request.length, 2);
  request.writeUInt8(request.length - 5, 4); // X.224's length indicator does not count itself
  request.writeUInt8(X224_CONNECTION_REQUEST, 5);
  request.writeUInt8(TYPE_RDP_NEG_REQ, 11);
  request.writeUInt16LE(8, 13);
  request.writeUInt32LE(requested, 15);
  return request;
}

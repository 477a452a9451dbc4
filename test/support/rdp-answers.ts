import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { TestIdentity } from "./certificates.ts";
import { confirmBytes, RDP_NEG_FAILURE, RDP_NEG_RSP } from "./rdp-bytes.ts";

/** failureCode HYBRID_REQUIRED_BY_SERVER, [MS-RDPBCGR] 2.2.1.2.2. */
const NLA_REQUIRED = 5;

/**
 * Treats a connection as an RDP server does that takes these protocols (flags of requestedProtocols), best first, up to
 * and with the TLS handshake.
 */
export function answerAsRdpServer(protocols: readonly number[], identity?: TestIdentity): (socket: Socket) => void {
  return (socket) => {
    socket.once("data", (request: Buffer) => {
      const offered = request.readUInt32LE(15);
      const best = protocols.find((flag) => (flag === 0 ? offered === 0 : (offered & flag) !== 0));
      if (best === undefined) return void socket.end(confirmBytes(RDP_NEG_FAILURE, NLA_REQUIRED));
      socket.write(confirmBytes(RDP_NEG_RSP, best));
      // A client that is done hangs up before its TLS.
      socket.once("end", () => socket.end());
      if (identity === undefined) return;
      const { key, certificate: cert } = identity;
      new TLSSocket(socket, { isServer: true, key, cert }).on("error", () => {});
    });
  };
}

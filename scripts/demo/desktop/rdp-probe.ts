import { connect } from "node:net";

/**
 * What an address answers to an RDP negotiation request for TLS: that it takes TLS, that it insists on NLA, that it
 * only knows RDP's own security, or nothing that RDP servers say.
 */
export type RdpAnswer = "tls" | "nla" | "rdp" | "none";

const PROTOCOL_SSL = 0x01;
const TYPE_RESPONSE = 0x02;
const TYPE_FAILURE = 0x03;
const HYBRID_REQUIRED_BY_SERVER = 0x05;
const HYBRID_EX_REQUIRED = 0x06;
const TIMEOUT_MS = 2_000;
const LONGEST_ANSWER_BYTES = 1_024;

/** X.224 connection request with an RDP negotiation request, in a TPKT ([MS-RDPBCGR] 2.2.1.1). */
const REQUEST = Buffer.from([
  ...[0x03, 0x00, 0x00, 0x13],
  ...[0x0e, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00],
  ...[0x01, 0x00, 0x08, 0x00, PROTOCOL_SSL, 0x00, 0x00, 0x00],
]);

/** Asks an address whether an RDP server is there. Never fails: silence, refusal and nonsense are "none". */
export function probeRdpServer(port: number, host = "127.0.0.1", timeoutMs = TIMEOUT_MS): Promise<RdpAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = Buffer.alloc(0);
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(readAnswer(answer)));
    socket.on("connect", () => socket.write(REQUEST));
    socket.on("data", (bytes: Buffer) => {
      answer = Buffer.concat([answer, bytes]);
      if (answer.length >= LONGEST_ANSWER_BYTES || isComplete(answer)) socket.destroy();
    });
  });
}

function isComplete(answer: Buffer): boolean {
  return answer.length >= 4 && (answer[0] !== 3 || answer.length >= answer.readUInt16BE(2));
}

/** X.224 connection confirm ([MS-RDPBCGR] 2.2.1.2): 11 bytes from servers older than the negotiation, else 19. */
function readAnswer(answer: Buffer): RdpAnswer {
  const isConfirm = answer.length >= 11 && answer[0] === 3 && answer[5] === 0xd0;
  if (!isConfirm) return "none";
  if (answer.length < 19) return "rdp";
  const value = answer.readUInt32LE(15);
  if (answer[11] === TYPE_RESPONSE) return value === PROTOCOL_SSL ? "tls" : "rdp";
  if (answer[11] !== TYPE_FAILURE) return "none";
  return value === HYBRID_REQUIRED_BY_SERVER || value === HYBRID_EX_REQUIRED ? "nla" : "rdp";
}

import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { bytesOf, keyFingerprint, type OldIdentity } from "./old-identity.ts";
import type { OldContract } from "./old-contract.ts";
import type { JsonObject } from "@bufbuild/protobuf";

const ALPN = "drawbridge-e2e/1";
const minVersion = "TLSv1.3";

/** Who has to be at the other end of a leg, and what the link is for. */
export interface OldPeer {
  readonly uri: string;
  readonly fingerprint: Buffer;
  readonly sessionId: string;
  readonly target: string;
}

/** Dials the leg of a LinkTicket or LinkOffer and sends the preface. There is no answer. */
export async function dialLeg(contract: OldContract, identity: OldIdentity, link: JsonObject): Promise<Socket> {
  const [host, port] = ((link["rendezvousAddress"] as string) || identity.address).split(":");
  const leg = connect({ host: host!, port: Number(port), noDelay: true, allowHalfOpen: true });
  await once(leg, "connect");
  const preface = contract.encode("Preface", { token: bytesOf(link, "token").toString("base64") });
  leg.write(Buffer.concat([Buffer.from("DBR1"), Buffer.from([preface.length >> 8, preface.length & 0xff]), preface]));
  return leg;
}

/** The remote redirector's end of end-to-end TLS. */
export async function secureAsRemote(leg: Socket, identity: OldIdentity, peer: OldPeer): Promise<TLSSocket> {
  const { key, certificate: cert, authorities: ca } = identity;
  const servername = serverName(peer);
  const secured = connectTls({
    minVersion,
    ALPNProtocols: [ALPN],
    socket: leg,
    key,
    cert,
    ca,
    servername,
    checkServerIdentity: (_name, found) => mismatch(found, peer),
  });
  await once(secured, "secureConnect");
  return secured;
}

/** The tenant redirector's end of it. */
export async function secureAsTenant(leg: Socket, identity: OldIdentity, peer: OldPeer): Promise<TLSSocket> {
  const { key, certificate: cert, authorities: ca } = identity;
  const server = createServer({ minVersion, ALPNProtocols: [ALPN], key, cert, ca, requestCert: true });
  const secured = new Promise<TLSSocket>((resolve, reject) => {
    server.once("secureConnection", resolve).once("tlsClientError", reject);
  });
  server.emit("connection", leg);
  const socket = await secured;
  const wrong = mismatch(socket.getPeerCertificate(), peer);
  if (wrong) throw wrong;
  if (socket.servername !== serverName(peer)) throw new Error("the link is for another session or target");
  return socket;
}

/** The server name of a link's handshake, which binds it to its session and target. */
function serverName({ sessionId, target }: OldPeer): string {
  const digest = createHash("sha256").update(`${sessionId}\0${target}`).digest("hex");
  return `${digest.slice(0, 32)}.target.drawbridge.internal`;
}

function mismatch(found: { subjectaltname?: string; raw: Buffer }, { uri, fingerprint }: OldPeer): Error | undefined {
  const isPeer = found.subjectaltname === `URI:${uri}` && keyFingerprint(found.raw).equals(fingerprint);
  return isPeer ? undefined : new Error(`the other end is not ${uri}`);
}

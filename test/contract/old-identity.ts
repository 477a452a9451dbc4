import { createHash, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import type { JsonObject } from "@bufbuild/protobuf";
import { OldChannel, type OldCredentials, SERVER_NAME } from "./old-channel.ts";
import type { OldContract } from "./old-contract.ts";

/** An enrolled principal. */
export interface OldIdentity extends Required<OldCredentials> {
  readonly name: string;
  readonly provider: string;
  /** Where the provider is reached, `HOST:PORT`. */
  readonly address: string;
}

/** Redeems an invite code with a key of its own, as docs/PROTOCOL.md says under "Enrolment". */
export async function enrol(contract: OldContract, code: string, kind: string): Promise<OldIdentity> {
  const invite = contract.decode("InviteCode", codeBody(code));
  const address = (invite["addresses"] as string[])[0]!;
  const authority = await authorityOf(address, Buffer.from(invite["caFingerprint"] as string, "base64"));
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const request = certificateRequest(publicKey, (bytes) => sign("sha256", bytes, privateKey));
  using channel = new OldChannel(contract, address, { authorities: authority });
  const { json } = await channel.unary("EnrollmentService", "Enroll", {
    secret: invite["secret"] as string,
    certificateRequest: request.toString("base64"),
    kind,
  });
  return {
    name: json["name"] as string,
    provider: json["provider"] as string,
    address,
    key: privateKey,
    certificate: pem(json["certificate"] as string),
    authorities: (json["caCertificates"] as string[]).map(pem).join(""),
  };
}

/** The SHA-256 of a certificate's public key, by which principals know each other. */
export function keyFingerprint(certificate: Buffer): Buffer {
  const spki = createPublicKey(new X509Certificate(certificate).toString()).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest();
}

const pem = (base64: string): string => new X509Certificate(Buffer.from(base64, "base64")).toString();
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

function codeBody(code: string): Buffer {
  const data = Buffer.from(code.trim().replace(/^DBI1-/, ""), "base64url");
  const body = data.subarray(0, -4);
  if (!sha256(body).subarray(0, 4).equals(data.subarray(-4))) throw new Error("the invite code is mistyped");
  return body;
}

/** The CA certificate that the invite code's fingerprint names, from the server's own chain, which nobody vouches for. */
async function authorityOf(address: string, fingerprint: Buffer): Promise<string> {
  const [host, port] = address.split(":");
  const options = { rejectUnauthorized: false, servername: SERVER_NAME, ALPNProtocols: ["h2"] };
  const socket = connect({ host: host!, port: Number(port), ...options });
  try {
    await once(socket, "secureConnect");
    const { raw, issuerCertificate } = socket.getPeerCertificate(true);
    for (const certificate of [raw, issuerCertificate.raw]) {
      if (sha256(certificate).equals(fingerprint)) return pem(certificate.toString("base64"));
    }
    throw new Error("the server is not the provider that made this code");
  } finally {
    socket.on("error", () => {}).destroy();
  }
}

/** A PKCS #10 request (RFC 2986) that names nobody, signed with ECDSA and SHA-256 (RFC 5758, section 3.2). */
function certificateRequest(spki: Buffer, signed: (bytes: Buffer) => Buffer): Buffer {
  const info = der(0x30, Buffer.from("020100" + "3000", "hex"), spki, Buffer.from("a000", "hex"));
  const algorithm = der(0x30, Buffer.from("06082a8648ce3d040302", "hex"));
  return der(0x30, info, algorithm, der(0x03, Buffer.from([0]), signed(info)));
}

/** Of less than 64 KiB. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

/** Bytes of a field, which ProtoJSON writes in base64. */
export const bytesOf = (json: JsonObject, field: string): Buffer => Buffer.from(json[field] as string, "base64");

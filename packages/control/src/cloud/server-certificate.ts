import { join } from "node:path";
import type { CertificateAuthority } from "../identity/index.ts";
import {
  certificateFacts,
  certificateFromPem,
  certificateToPem,
  exportPrivateKeyPem,
  generateKeyPairP256,
  importPrivateKeyPem,
  parseHomeFile,
  readPrivateFile,
  writePrivateFile,
} from "../identity/index.ts";
import { needsRenewal } from "../wire/renewal.ts";

/** Key and certificate in one file, so that they are replaced together or not at all. */
const FILE = "server.pem";

/** The cloud redirector's own certificate and key, PEM. */
export interface ServerCertificate {
  certificate: string;
  privateKey: string;
}

/** Gives the server a fresh key and certificate, in the home at `path`. */
export async function issueServerCertificate(
  path: string,
  authority: CertificateAuthority,
): Promise<ServerCertificate> {
  const keyPair = await generateKeyPairP256();
  const { der } = await authority.issueServerCertificate(keyPair.publicKey);
  const issued = { certificate: certificateToPem(der), privateKey: exportPrivateKeyPem(keyPair) };
  await writePrivateFile(join(path, FILE), issued.privateKey + issued.certificate);
  return issued;
}

/** When the certificate in a home is good, in milliseconds since the Unix epoch. Errors: `home-missing`, `home-invalid`. */
export async function readServerValidity(path: string): Promise<{ notBefore: number; notAfter: number }> {
  const text = (await readPrivateFile(join(path, FILE))).toString("utf8");
  return parseHomeFile(join(path, FILE), () => certificateFacts(certificateFromPem(text)), "Restore it from a backup.");
}

/** The server's certificate from its home; a fresh one once two thirds of its life are over. */
export async function currentServerCertificate(
  path: string,
  authority: CertificateAuthority,
  now: number,
): Promise<ServerCertificate> {
  const text = (await readPrivateFile(join(path, FILE))).toString("utf8");
  const certificate = parseHomeFile(join(path, FILE), () => certificateFromPem(text), "Restore it from a backup.");
  if (needsRenewal(certificateFacts(certificate), now)) return issueServerCertificate(path, authority);
  const privateKey = exportPrivateKeyPem(importPrivateKeyPem(text, join(path, FILE)));
  return { certificate: certificateToPem(certificate), privateKey };
}

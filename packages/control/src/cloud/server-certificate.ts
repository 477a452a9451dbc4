import { join } from "node:path";
import type { CertificateAuthority } from "../identity/index.ts";
import {
  certificateFacts,
  certificateFromPem,
  certificateToPem,
  exportPrivateKeyPem,
  generateKeyPairP256,
  readPrivateFile,
  writePrivateFile,
} from "../identity/index.ts";
import { needsRenewal } from "../wire/renewal.ts";

const KEY_FILE = "server.key.pem";
const CERTIFICATE_FILE = "server.crt.pem";

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
  await writePrivateFile(join(path, KEY_FILE), issued.privateKey);
  await writePrivateFile(join(path, CERTIFICATE_FILE), issued.certificate);
  return issued;
}

/** The server's certificate from its home; a fresh one once two thirds of its life are over. */
export async function currentServerCertificate(
  path: string,
  authority: CertificateAuthority,
  now: number,
): Promise<ServerCertificate> {
  const read = async (file: string): Promise<string> => (await readPrivateFile(join(path, file))).toString("utf8");
  const certificate = await read(CERTIFICATE_FILE);
  if (needsRenewal(certificateFacts(certificateFromPem(certificate)), now))
    return issueServerCertificate(path, authority);
  return { certificate, privateKey: await read(KEY_FILE) };
}

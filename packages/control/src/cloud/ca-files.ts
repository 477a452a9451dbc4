import { join } from "node:path";
import {
  CertificateAuthority,
  certificateFromPem,
  certificateToPem,
  exportPrivateKeyPem,
  hasPrivateFile,
  importPrivateKeyPem,
  parseHomeFile,
  readPrivateFile,
  splitPem,
  writePrivateFile,
} from "../identity/index.ts";

/**
 * The CAs of a home: the one that issues; while one takes over from another, the next one or the one before. A key and
 * its certificate are one file, so that they are replaced together or not at all.
 */
export type CaFile = "ca.pem" | "ca.next.pem" | "ca.old.pem";

/** Writes a CA, over one that is there. */
export async function saveAuthority(path: string, file: CaFile, authority: CertificateAuthority): Promise<void> {
  const text = exportPrivateKeyPem(authority.keyPair) + certificateToPem(authority.certificateDer);
  await writePrivateFile(join(path, file), text);
}

/** Reads a CA. Errors: `home-missing`, `home-invalid`. */
export async function loadAuthority(path: string, file: CaFile): Promise<CertificateAuthority> {
  const text = (await readPrivateFile(join(path, file))).toString("utf8");
  const load = (): CertificateAuthority =>
    CertificateAuthority.load(certificateFromPem(text), importPrivateKeyPem(text, join(path, file)));
  return parseHomeFile(join(path, file), load, "Restore it from a backup: without it everybody has to enrol anew.");
}

/** The certificates, PEM, of the CAs that are trusted beside the issuing one. */
export async function otherAuthoritiesOf(path: string): Promise<string[]> {
  const certificates: string[] = [];
  for (const file of ["ca.next.pem", "ca.old.pem"]) {
    if (!(await hasPrivateFile(join(path, file)))) continue;
    certificates.push(...splitPem((await readPrivateFile(join(path, file))).toString("utf8")));
  }
  return certificates;
}

import { dirname, join } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";
import { parseSettings } from "../wire/settings.ts";
import { certificateFacts, certificateFromPem, splitPem } from "./certificate-facts.ts";
import { fingerprintHex, keyFingerprint as publicKeyFingerprint } from "./key-fingerprint.ts";
import { importPrivateKeyPem } from "./key-pair.ts";
import { parseHomeFile, RESTORE } from "./parse-home-file.ts";
import { hasPrivateFile, makePrivateDirectory, readPrivateFile, writePrivateFile } from "./private-file.ts";

/** Who an enrolled principal is, where its provider is reached, and what it proves itself with. */
export interface EnrolledIdentity {
  kind: "tenant" | "operator";
  name: string;
  provider: string;
  /** Where the provider is reached, written as in an invite code. */
  addresses: string[];
  /** Where it was reached before, as `host:port`: tried when no other answers. */
  reserve?: string[] | undefined;
  /** PEM. */
  privateKey: string;
  /** PEM. */
  certificate: string;
  /** The CAs of the provider, PEM. */
  certificateAuthorities: string[];
  /** SHA-256 of the public key, hexadecimal. */
  keyFingerprint: string;
}

const FILES = {
  identity: "identity.json",
  key: "key.pem",
  certificate: "certificate.pem",
  authorities: "authorities.pem",
} as const;

const identitySchema = z.strictObject({
  kind: z.enum(["tenant", "operator"]),
  name: z.string(),
  provider: z.string(),
  addresses: z.array(z.string()).min(1),
  reserve: z.array(z.string()).optional(),
});

/** Whether a home holds an enrolled identity already. */
export function isEnrolled(home: string): Promise<boolean> {
  return hasPrivateFile(join(home, FILES.identity));
}

/** Writes an identity into a home, over one that is there. `identity.json` comes last and tells a home that is whole. */
export async function saveIdentity(home: string, identity: Omit<EnrolledIdentity, "keyFingerprint">): Promise<void> {
  const { kind, name, provider, addresses } = identity;
  await makePrivateDirectory(home);
  await writePrivateFile(join(home, FILES.key), identity.privateKey);
  await writePrivateFile(join(home, FILES.certificate), identity.certificate);
  await writePrivateFile(join(home, FILES.authorities), identity.certificateAuthorities.join(""));
  const text = JSON.stringify({ kind, name, provider, addresses }, undefined, 2);
  await writePrivateFile(join(home, FILES.identity), `${text}\n`);
}

/** Keeps where the provider is reached from now on, and where it was before. Errors: `home-missing`, `home-invalid`. */
export async function saveAddresses(home: string, addresses: string[], reserve: string[]): Promise<void> {
  const file = join(home, FILES.identity);
  const identity = parseSettings(identitySchema, (await readPrivateFile(file)).toString("utf8"), file);
  await writePrivateFile(file, `${JSON.stringify({ ...identity, addresses, reserve }, undefined, 2)}\n`);
}

/** Puts a renewed certificate, and the CAs that came with it, in place of the old. */
export async function saveCertificate(home: string, certificate: string, authorities: string[]): Promise<void> {
  await writePrivateFile(join(home, FILES.authorities), authorities.join(""));
  await writePrivateFile(join(home, FILES.certificate), certificate);
}

/** Reads the identity of a home. Errors: `home-missing` where nobody has enrolled, `home-invalid`. */
export async function loadIdentity(home: string, kind: EnrolledIdentity["kind"]): Promise<EnrolledIdentity> {
  const read = async (file: string): Promise<string> => (await readPrivateFile(join(home, file))).toString("utf8");
  const text = await read(FILES.identity).catch(async (error: unknown) => {
    if (!(error instanceof DrawbridgeError) || error.code !== "home-missing") throw error;
    const message = `nobody has enrolled in ${home}`;
    throw new DrawbridgeError("home-missing", message, { remedy: await whereElse(home, kind), cause: error });
  });
  const identity = parseSettings(identitySchema, text, join(home, FILES.identity));
  if (identity.kind !== kind) {
    throw new DrawbridgeError(
      "home-invalid",
      `${home} is the home of ${identity.kind} ${identity.name}, not of a ${kind}`,
    );
  }
  const [privateKey, certificate, authorities] = await Promise.all([
    read(FILES.key),
    read(FILES.certificate),
    read(FILES.authorities),
  ]);
  const keyFingerprint = parseHomeFile(join(home, FILES.certificate), () => fingerprintOf(certificate));
  const certificateAuthorities = parseHomeFile(join(home, FILES.authorities), () => authoritiesOf(authorities));
  const { publicKey } = importPrivateKeyPem(privateKey, join(home, FILES.key));
  if (fingerprintHex(publicKeyFingerprint(publicKey)) !== keyFingerprint) {
    const message = `${join(home, FILES.key)} is not the key of ${FILES.certificate} beside it`;
    throw new DrawbridgeError("home-invalid", message, { remedy: RESTORE });
  }
  return { ...identity, privateKey, certificate, certificateAuthorities, keyFingerprint };
}

/** `whoami` and the like name a role's folder, which is easily taken for the home. */
async function whereElse(home: string, kind: EnrolledIdentity["kind"]): Promise<string> {
  const above = dirname(home);
  if (await isEnrolled(above).catch(() => false)) {
    return `${above} is the folder of one role in a home: name the home itself, --home ${dirname(above)}.`;
  }
  return `Enrol with \`drawbridge ${kind} enroll CODE\`, or name the right home with --home.`;
}

const fingerprintOf = (certificate: string): string => certificateFacts(certificateFromPem(certificate)).keyFingerprint;

function authoritiesOf(pem: string): string[] {
  const authorities = splitPem(pem);
  if (authorities.length === 0) throw new DrawbridgeError("certificate-invalid", "there is no certificate");
  return authorities;
}

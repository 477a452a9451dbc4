import { join } from "node:path";
import { DrawbridgeError, parseAddress } from "@drawbridge/dataplane";
import { z } from "zod";
import {
  CertificateAuthority,
  certificateFromPem,
  certificateToPem,
  exportPrivateKeyPem,
  generateKeyPairP256,
  importPrivateKeyPem,
  makePrivateDirectory,
  readPrivateFile,
  writePrivateFile,
} from "../identity/index.ts";
import type { Store } from "../store/index.ts";
import { openSqliteStore } from "../store/index.ts";
import { parseSettings } from "../wire/settings.ts";

const FILES = {
  settings: "settings.json",
  caKey: "ca.key.pem",
  caCertificate: "ca.crt.pem",
  serverKey: "server.key.pem",
  serverCertificate: "server.crt.pem",
  store: "drawbridge.db",
} as const;

const settingsSchema = z.strictObject({
  /** Where tenants and operators reach this cloud redirector; goes into invite codes. */
  publicAddress: z.string(),
  /** Where `cloud run` listens unless told otherwise. */
  listen: z.string(),
});

/** What `cloud init` was told. */
export type CloudSettings = z.infer<typeof settingsSchema>;

/** The cloud redirector's home, opened. */
export interface CloudHome {
  settings: CloudSettings;
  authority: CertificateAuthority;
  /** The server's certificate with the CA's behind it, PEM. */
  certificateChain: string;
  serverKey: string;
  store: Store;
}

/**
 * Makes a home: the CA, the server's certificate, the settings and the store.
 *
 * Errors: `home-exists` where one is already, `invalid-argument` for a name or address.
 */
export async function createCloudHome(path: string, provider: string, settings: CloudSettings): Promise<void> {
  parseAddress(settings.publicAddress);
  parseAddress(settings.listen);
  const authority = await CertificateAuthority.create(provider);
  await makePrivateDirectory(path);
  // The settings come last and tell a home that is whole; the CA's key comes first and is never replaced.
  await writePrivateFile(join(path, FILES.caKey), exportPrivateKeyPem(authority.keyPair), { exclusive: true });
  await writePrivateFile(join(path, FILES.caCertificate), certificateToPem(authority.certificateDer));
  await issueServerCertificate(path, authority);
  await (await openSqliteStore(join(path, FILES.store))).close();
  await writePrivateFile(join(path, FILES.settings), `${JSON.stringify(settings, undefined, 2)}\n`);
}

/** Gives the server a fresh key and certificate. */
async function issueServerCertificate(path: string, authority: CertificateAuthority): Promise<void> {
  const keyPair = await generateKeyPairP256();
  const { der } = await authority.issueServerCertificate(keyPair.publicKey);
  await writePrivateFile(join(path, FILES.serverKey), exportPrivateKeyPem(keyPair));
  await writePrivateFile(join(path, FILES.serverCertificate), certificateToPem(der));
}

/** Opens a home. Errors: `home-missing` where `cloud init` has not been, `home-invalid`. */
export async function openCloudHome(path: string): Promise<CloudHome> {
  const read = async (file: string): Promise<string> => (await readPrivateFile(join(path, file))).toString("utf8");
  const settings = parseSettings(settingsSchema, await readSettings(path), join(path, FILES.settings));
  const [caKey, caCertificate, serverKey, serverCertificate] = await Promise.all([
    read(FILES.caKey),
    read(FILES.caCertificate),
    read(FILES.serverKey),
    read(FILES.serverCertificate),
  ]);
  const authority = CertificateAuthority.load(
    certificateFromPem(caCertificate),
    importPrivateKeyPem(caKey, join(path, FILES.caKey)),
  );
  const store = await openSqliteStore(join(path, FILES.store));
  return { settings, authority, certificateChain: serverCertificate + caCertificate, serverKey, store };
}

async function readSettings(path: string): Promise<string> {
  try {
    return (await readPrivateFile(join(path, FILES.settings))).toString("utf8");
  } catch (error) {
    if (!(error instanceof DrawbridgeError) || error.code !== "home-missing") throw error;
    throw new DrawbridgeError("home-missing", `${path} is not the home of a cloud redirector`, {
      remedy: "Make one with `drawbridge cloud init`, or name the right one with --home.",
      cause: error,
    });
  }
}

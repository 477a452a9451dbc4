import { join } from "node:path";
import { DrawbridgeError, parseAddress } from "@drawbridge/dataplane";
import {
  CertificateAuthority,
  certificateFromPem,
  certificateToPem,
  exportPrivateKeyPem,
  importPrivateKeyPem,
  makePrivateDirectory,
  readPrivateFile,
  splitPem,
  writePrivateFile,
} from "../identity/index.ts";
import type { Store } from "../store/index.ts";
import { openSqliteStore } from "../store/index.ts";
import { parseSettings } from "../wire/settings.ts";
import type { CloudSettings, InitialCloudSettings } from "./cloud-settings.ts";
import { cloudSettingsSchema } from "./cloud-settings.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { currentServerCertificate, issueServerCertificate } from "./server-certificate.ts";

const FILES = {
  settings: "settings.json",
  caKey: "ca.key.pem",
  caCertificate: "ca.crt.pem",
  otherAuthorities: "ca.others.pem",
  store: "drawbridge.db",
} as const;

/** The cloud redirector's home, opened. */
export interface CloudHome {
  settings: CloudSettings;
  authority: CertificateAuthority;
  /** CAs that are trusted beside the issuing one, while one takes over from another; PEM. */
  otherAuthorities: string[];
  /** The server's certificate; a fresh one when it is time. */
  serverCertificate: () => Promise<ServerCertificate>;
  store: Store;
}

/**
 * Makes a home: the CA, the server's certificate, the settings and the store.
 *
 * Errors: `home-exists` where one is already, `invalid-argument` for a name or address.
 */
export async function createCloudHome(path: string, provider: string, settings: InitialCloudSettings): Promise<void> {
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

/** Opens a home. Errors: `home-missing` where `cloud init` has not been, `home-invalid`. */
export async function openCloudHome(path: string): Promise<CloudHome> {
  const read = async (file: string): Promise<string> => (await readPrivateFile(join(path, file))).toString("utf8");
  const settings = parseSettings(cloudSettingsSchema, await readSettings(path), join(path, FILES.settings));
  const [caKey, caCertificate] = await Promise.all([read(FILES.caKey), read(FILES.caCertificate)]);
  const authority = CertificateAuthority.load(
    certificateFromPem(caCertificate),
    importPrivateKeyPem(caKey, join(path, FILES.caKey)),
  );
  const store = await openSqliteStore(join(path, FILES.store), { maxPendingInvites: settings.limits.pendingInvites });
  const serverCertificate = (): Promise<ServerCertificate> => currentServerCertificate(path, authority, Date.now());
  return { settings, authority, otherAuthorities: await readOtherAuthorities(path), serverCertificate, store };
}

/** The file is there only during a change of CA; see docs/SECURITY.md. */
async function readOtherAuthorities(path: string): Promise<string[]> {
  try {
    return splitPem((await readPrivateFile(join(path, FILES.otherAuthorities))).toString("utf8"));
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-missing") return [];
    throw error;
  }
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

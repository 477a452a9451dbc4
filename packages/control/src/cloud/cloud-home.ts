import { join } from "node:path";
import { DrawbridgeError, parseAddress, parseGatewayAddress } from "@drawbridge/dataplane";
import {
  CertificateAuthority,
  hasPrivateFile,
  makePrivateDirectory,
  readPrivateFile,
  writePrivateFile,
} from "../identity/index.ts";
import type { Store } from "../store/index.ts";
import { ExclusiveLock, openSqliteStore } from "../store/index.ts";
import { parseSettings } from "../wire/settings.ts";
import { loadAuthority, otherAuthoritiesOf, saveAuthority } from "./ca-files.ts";
import type { CloudSettings, InitialCloudSettings } from "./cloud-settings.ts";
import { cloudSettingsSchema } from "./cloud-settings.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { currentServerCertificate, issueServerCertificate } from "./server-certificate.ts";

const SETTINGS_FILE = "settings.json";
const STORE_FILE = "drawbridge.db";
const LOCK_FILE = "running.lock";

/** The cloud redirector's home without its store: what can be read without changing anything. */
export interface CloudHomeFiles {
  settings: CloudSettings;
  authority: CertificateAuthority;
  /** CAs that are trusted beside the issuing one, while one takes over from another; PEM. */
  otherAuthorities: string[];
}

/** The cloud redirector's home, opened. */
export interface CloudHome extends CloudHomeFiles {
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
  for (const address of [settings.publicAddress, ...(settings.gateways ?? [])]) parseGatewayAddress(address);
  parseAddress(settings.listen);
  await makePrivateDirectory(path);
  // The settings come last and tell a home that is whole. Whatever an attempt before left without them was never used.
  if (await hasPrivateFile(join(path, SETTINGS_FILE))) throw taken(path);
  const authority = await CertificateAuthority.create(provider);
  await saveAuthority(path, "ca.pem", authority);
  await issueServerCertificate(path, authority);
  await (await openSqliteStore(join(path, STORE_FILE))).close();
  const text = `${JSON.stringify(settings, undefined, 2)}\n`;
  await writePrivateFile(join(path, SETTINGS_FILE), text, { exclusive: true });
}

/** Reads a home, but for its store. Errors: `home-missing` where `cloud init` has not been, `home-invalid`. */
export async function readCloudHome(path: string): Promise<CloudHomeFiles> {
  const settings = parseSettings(cloudSettingsSchema, await readSettings(path), join(path, SETTINGS_FILE));
  const authority = await loadAuthority(path, "ca.pem");
  return { settings, authority, otherAuthorities: await otherAuthoritiesOf(path) };
}

/** Opens a home. Errors: `home-missing` where `cloud init` has not been, `home-invalid`. */
export async function openCloudHome(path: string): Promise<CloudHome> {
  const { settings, authority, otherAuthorities } = await readCloudHome(path);
  const store = await openSqliteStore(join(path, STORE_FILE), { maxPendingInvites: settings.limits.pendingInvites });
  const serverCertificate = (): Promise<ServerCertificate> => currentServerCertificate(path, authority, Date.now());
  return { settings, authority, otherAuthorities, serverCertificate, store };
}

/**
 * Opens a home for the one cloud redirector that may run on it. A second would close the books on the first one's
 * sessions, and each would know only the tenants that came to itself. The lock ends with the process at the latest.
 *
 * Errors: those of {@link openCloudHome}; `address-in-use` where one is running.
 */
export async function takeCloudHome(path: string): Promise<{ home: CloudHome; lock: ExclusiveLock }> {
  const home = await openCloudHome(path);
  try {
    const lock = await ExclusiveLock.take(join(path, LOCK_FILE));
    if (lock === undefined) throw running(path);
    return { home, lock };
  } catch (error) {
    await home.store.close();
    throw error;
  }
}

const running = (path: string): DrawbridgeError =>
  new DrawbridgeError("address-in-use", `another \`drawbridge cloud run\` is running on ${path}`, {
    remedy: "Stop that one first, or name another --home.",
  });

async function readSettings(path: string): Promise<string> {
  try {
    return (await readPrivateFile(join(path, SETTINGS_FILE))).toString("utf8");
  } catch (error) {
    if (!(error instanceof DrawbridgeError) || error.code !== "home-missing") throw error;
    throw new DrawbridgeError("home-missing", `${path} is not the home of a cloud redirector`, {
      remedy: "Make one with `drawbridge cloud init`, or name the right one with --home.",
      cause: error,
    });
  }
}

function taken(path: string): DrawbridgeError {
  return new DrawbridgeError("home-exists", `${path} is the home of a cloud redirector already`, {
    remedy: "Name another --home. To begin anew there, move that folder away: its CA's key cannot be made again.",
  });
}

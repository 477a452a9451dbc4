import { join } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";
import type { EnrolledIdentity } from "../identity/index.ts";
import { loadIdentity, readPrivateFile, writePrivateFile } from "../identity/index.ts";
import { DEFAULT_KEEP_ALIVE, type KeepAlive } from "../rpc/keep-alive.ts";
import { keepAliveSetting } from "../rpc/keep-alive-setting.ts";
import { parseSettings } from "../wire/settings.ts";
import type { TenantTargets } from "./targets.ts";
import { formatTargets, parseTargets } from "./targets.ts";

const SETTINGS = "settings.json";

const settingsSchema = z.strictObject({
  /** Target names and where each is dialled, as `host:port`. */
  targets: z.record(z.string(), z.string()),
  /** How a dead cloud redirector is found. */
  keepAlive: keepAliveSetting(DEFAULT_KEEP_ALIVE).optional(),
});

/** A tenant redirector's home, opened. */
export interface TenantHome {
  identity: EnrolledIdentity;
  targets: TenantTargets;
  /** Default: as the RPC layer has it. */
  keepAlive?: KeepAlive | undefined;
}

/** Writes the targets into a home. Other settings that are there stay, unless they cannot be read. */
export async function saveTargets(path: string, targets: TenantTargets): Promise<void> {
  const byName = Object.fromEntries(formatTargets(targets).map(({ name, address }) => [name, address]));
  const text = JSON.stringify({ ...(await settingsThere(path)), targets: byName }, undefined, 2);
  await writePrivateFile(join(path, SETTINGS), `${text}\n`);
}

async function settingsThere(path: string): Promise<object> {
  try {
    const json: unknown = JSON.parse((await readPrivateFile(join(path, SETTINGS))).toString("utf8"));
    return settingsSchema.safeParse(json).success ? (json as object) : {};
  } catch {
    return {};
  }
}

/** Reads the targets of a home. Errors: `home-invalid`. */
export async function readTargets(path: string): Promise<TenantTargets> {
  return (await readSettings(path)).targets;
}

/** Opens a home. Errors: `home-missing` where nobody has enrolled, `home-invalid`. */
export async function openTenantHome(path: string): Promise<TenantHome> {
  const identity = await loadIdentity(path, "tenant");
  return { identity, ...(await readSettings(path)) };
}

async function readSettings(path: string): Promise<Omit<TenantHome, "identity">> {
  const file = join(path, SETTINGS);
  const settings = parseSettings(settingsSchema, (await readPrivateFile(file)).toString("utf8"), file);
  try {
    const targets = parseTargets(Object.entries(settings.targets).map(([name, at]) => `${name}=${at}`));
    return { targets, keepAlive: settings.keepAlive };
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    throw new DrawbridgeError("home-invalid", `${file}: ${error.message}`, { remedy: error.remedy, cause: error });
  }
}

import { join } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";
import { makePrivateDirectory, readPrivateFile, writePrivateFile } from "../identity/index.ts";
import { parseSettings } from "./settings.ts";

const FILE = "network.json";

/** How legs may be carried, as settings and options say it. */
export const LEG_TRANSPORTS = ["auto", "raw", "tls"] as const;

const schema = z.strictObject({
  /** A proxy's URL, user and password included, or `none`. Absent: as the environment says. */
  proxy: z.string().max(1_024).optional(),
  /** What is dialled without the proxy, as in `NO_PROXY`. Absent: as the environment says. */
  noProxy: z.string().max(4_096).optional(),
  /** How legs are carried. Absent: `auto`. */
  legTransport: z.enum(LEG_TRANSPORTS).optional(),
});

/** How a machine gets out to the provider, as its home keeps it. Holds a proxy's password: a secret. */
export type NetworkSettings = z.infer<typeof schema>;

/** Reads the settings of a tenant's or operator's home; without the file all are absent. Errors: `home-invalid`. */
export async function loadNetworkSettings(home: string): Promise<NetworkSettings> {
  const path = join(home, FILE);
  try {
    return parseSettings(schema, (await readPrivateFile(path)).toString("utf8"), path);
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-missing") return {};
    throw error;
  }
}

/** Writes the settings into a home, in place of those that are there. */
export async function saveNetworkSettings(home: string, settings: NetworkSettings): Promise<void> {
  await makePrivateDirectory(home);
  await writePrivateFile(join(home, FILE), `${JSON.stringify(settings, undefined, 2)}\n`);
}

import { join } from "node:path";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";
import { formatFingerprint, readPrivateFile, writePrivateFile } from "../identity/index.ts";
import { parseSettings } from "../wire/settings.ts";

const FILE = "known_tenants.json";

/** `provider/tenant` and the SHA-256 of the tenant's public key, hexadecimal. */
const knownSchema = z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/));

/**
 * The keys of the tenants that this operator has reached before, as ssh keeps those of hosts: the first one is believed,
 * a changed one is refused until somebody has checked it.
 */
export class KnownTenants {
  readonly #path: string;
  readonly #provider: string;

  /** @param home the operator's home. */
  constructor(home: string, provider: string) {
    this.#path = join(home, FILE);
    this.#provider = provider;
  }

  /** Accepts a tenant's key, or throws `certificate-invalid` when it is not the one that is known. */
  async trust(tenant: string, keyFingerprint: string): Promise<void> {
    const known = await this.#read();
    const name = `${this.#provider}/${tenant}`;
    const before = known[name];
    if (before === keyFingerprint) return;
    if (before !== undefined) throw this.#changed(tenant, before, keyFingerprint);
    const text = JSON.stringify({ ...known, [name]: keyFingerprint }, undefined, 2);
    await writePrivateFile(this.#path, `${text}\n`);
  }

  /** Forgets a tenant's key, so that the next one is believed. Returns whether one was known. */
  async forget(tenant: string): Promise<boolean> {
    const { [`${this.#provider}/${tenant}`]: before, ...others } = await this.#read();
    if (before === undefined) return false;
    await writePrivateFile(this.#path, `${JSON.stringify(others, undefined, 2)}\n`);
    return true;
  }

  async #read(): Promise<Record<string, string>> {
    try {
      return parseSettings(knownSchema, (await readPrivateFile(this.#path)).toString("utf8"), this.#path);
    } catch (error) {
      if (error instanceof DrawbridgeError && error.code === "home-missing") return {};
      throw error;
    }
  }

  #changed(tenant: string, before: string, now: string): DrawbridgeError {
    const shown = (fingerprint: string): string => formatFingerprint(Buffer.from(fingerprint, "hex"));
    const message = `the key of tenant ${tenant} has changed from ${shown(before)} to ${shown(now)}`;
    return new DrawbridgeError("certificate-invalid", message, {
      remedy:
        "Somebody may be in between. Telephone the tenant and compare with `drawbridge tenant fingerprint`; if it is " +
        `right, run \`drawbridge operator forget ${tenant}\` and connect again.`,
    });
  }
}

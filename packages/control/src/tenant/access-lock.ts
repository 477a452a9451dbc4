import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { CloseReason } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { z } from "zod";
import { fromFileError, readPrivateFile, writePrivateFile } from "../identity/index.ts";

const FILE = "locked.json";

const schema = z.strictObject({ since: z.iso.datetime(), by: z.string().max(255), reason: z.string().max(1024) });

/** The tenant's kill switch, as it stands in the home: while it is there, nobody has access. */
export interface AccessLock {
  /** ISO 8601. */
  since: string;
  /** Who locked, by the name of the account. */
  by: string;
  /** For the operators; may be empty. */
  reason: string;
}

/** Locks a home. Durable once it resolves; a tenant redirector that runs has to be told. */
export async function lockHome(home: string, lock: AccessLock): Promise<void> {
  await writePrivateFile(join(home, FILE), `${JSON.stringify(schema.parse(lock), undefined, 2)}\n`);
}

/** Unlocks a home. One that is not locked stays so. */
export async function unlockHome(home: string): Promise<void> {
  const path = join(home, FILE);
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw fromFileError(error, path);
  }
}

/** The lock of a home; undefined where it is open. A file that cannot be read or understood locks too. */
export async function readLock(home: string): Promise<AccessLock | undefined> {
  try {
    const text = (await readPrivateFile(join(home, FILE))).toString("utf8");
    return schema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "home-missing") return undefined;
    return { since: new Date(0).toISOString(), by: "", reason: "" };
  }
}

/** What an operator is told while access is locked. */
export function lockedReason({ reason }: AccessLock): CloseReason {
  const message = "the tenant has locked access";
  return {
    code: "consent-refused",
    message: reason === "" ? message : `${message}: ${reason}`,
    remedy: "Reach the tenant by telephone; only the tenant can unlock it.",
  };
}

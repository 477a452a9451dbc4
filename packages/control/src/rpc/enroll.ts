import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Reach } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import {
  certificateFacts,
  certificateFromPem,
  decodeInviteCode,
  isEnrolled,
  loadIdentity,
  makePrivateDirectory,
  saveIdentity,
  writePrivateFile,
} from "../identity/index.ts";
import { type NetworkWish, openHomeReach } from "../wire/home-reach.ts";
import { redeemInvite } from "./enrollment-client.ts";

/** What an enrolment needs. */
export interface EnrollOptions {
  /** The invite code as the provider gave it; spaces and line breaks in it do not matter. A secret, good for one use. */
  code: string;
  /** Puts the new identity in place of one that the home has. Default false. */
  replace?: boolean | undefined;
  /** How this machine gets out. Default: as `network` says. */
  reach?: Reach | undefined;
  /** What is wished of the way out where `reach` is not given. Default: the home decides, then the environment. */
  network?: NetworkWish | undefined;
  /** Gives it up. Whether the code was spent by then is not known. */
  signal?: AbortSignal | undefined;
}

/**
 * Redeems an invite code, into a home or for a caller that keeps the identity itself.
 *
 * What can be refused without spending the code is refused first: a mistyped code, a home that is taken or cannot be
 * written. Errors: `invite-invalid`, `home-exists`, those of writing the home, and those of {@link redeemInvite}.
 */
export async function enroll(
  kind: EnrolledIdentity["kind"],
  home: string | undefined,
  { code: text, replace = false, reach, network, signal }: EnrollOptions,
): Promise<EnrolledIdentity> {
  const way = reach ?? (await openHomeReach(home, network)).reach;
  const code = decodeInviteCode(text);
  if (home === undefined) {
    const identity = await redeemInvite(kind, code, way, signal);
    return { ...identity, keyFingerprint: certificateFacts(certificateFromPem(identity.certificate)).keyFingerprint };
  }
  if (!replace && (await isEnrolled(home))) throw taken(home, kind, await loadIdentity(home, kind));
  const wasThere = existsSync(home);
  try {
    await makePrivateDirectory(home);
    await tryToWrite(home);
    await saveIdentity(home, await redeemInvite(kind, code, way, signal));
  } catch (error) {
    // One that is not empty stays.
    if (!wasThere) await rmdir(home).catch(() => {});
    throw error;
  }
  return loadIdentity(home, kind);
}

/** More than all files of a fresh home together. */
const HOME_BYTES = 64 * 1024;

/** A disk that is full is better known before the code is spent. */
async function tryToWrite(home: string): Promise<void> {
  const file = join(home, "enrolment.tmp");
  await writePrivateFile(file, Buffer.alloc(HOME_BYTES));
  await rm(file, { force: true });
}

function taken(home: string, kind: string, { name, provider }: EnrolledIdentity): DrawbridgeError {
  return new DrawbridgeError("home-exists", `${home} is enrolled already, as ${kind} ${name} of ${provider}`, {
    remedy: "Name another home (--home), or have the new identity put in its place (--replace).",
  });
}

import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeInviteCode,
  isEnrolled,
  loadIdentity,
  makePrivateDirectory,
  saveIdentity,
  writePrivateFile,
} from "@drawbridge/control/identity";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { redeemInvite } from "@drawbridge/control/rpc";
import { DrawbridgeError, Reach } from "@drawbridge/dataplane";
import { readCode } from "./invite-code-input.ts";

/**
 * Redeems an invite code into a home.
 *
 * What can be refused without spending the code is refused first: a mistyped code, a home that is taken or cannot be
 * written.
 */
export async function enrollInto(
  home: string,
  kind: EnrolledIdentity["kind"],
  codeArgument: string,
  replace: boolean,
  signal: AbortSignal,
): Promise<EnrolledIdentity> {
  const code = decodeInviteCode(await readCode(codeArgument));
  if (!replace && (await isEnrolled(home))) throw taken(home, kind, await loadIdentity(home, kind));
  await makePrivateDirectory(home);
  await tryToWrite(home);
  await saveIdentity(home, await redeemInvite(kind, code, new Reach(), signal));
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
    remedy: "Name another --home, or give --replace to put the new identity in its place.",
  });
}

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
import { DrawbridgeError, formatProxy } from "@drawbridge/dataplane";
import { readCode } from "./invite-code-input.ts";
import { keepNetworkChoice } from "./keep-network-choice.ts";
import type { NetworkChoice } from "./network-options.ts";
import type { OpenedReach } from "./open-reach.ts";
import { openReach } from "./open-reach.ts";
import { plain } from "./rendering/index.ts";
import type { CommandContext } from "./run-command.ts";

/** What an enrolment was asked to do besides. */
export interface EnrollOptions {
  /** Puts the new identity in place of one that is there. */
  readonly replace: boolean;
  /** How this machine gets out; what is said here is kept in the home. */
  readonly network: NetworkChoice;
}

/**
 * Redeems an invite code into a home.
 *
 * What can be refused without spending the code is refused first: a mistyped code, a home that is taken or cannot be
 * written.
 */
export async function enrollInto(
  context: CommandContext,
  kind: EnrolledIdentity["kind"],
  codeArgument: string,
  { replace, network }: EnrollOptions,
): Promise<EnrolledIdentity> {
  const home = context.home(kind);
  if (codeArgument === "-" && network.proxyPasswordFile === "-") throw bothOnStandardInput();
  const opened = await openReach(context, kind, network);
  const code = decodeInviteCode(await readCode(codeArgument));
  if (!replace && (await isEnrolled(home))) throw taken(home, kind, await loadIdentity(home, kind));
  await makePrivateDirectory(home);
  await tryToWrite(home);
  await saveIdentity(home, await redeemInvite(kind, code, opened.reach, context.signal));
  await keepNetworkChoice(context, kind, network, opened);
  noteEnvironment(context, kind, opened);
  return loadIdentity(home, kind);
}

/** A service does not see the variables of a shell. */
function noteEnvironment({ output }: CommandContext, kind: string, { proxy, source = "" }: OpenedReach): void {
  if (proxy === undefined || !/_proxy$/i.test(source)) return;
  output.note(
    plain`The way out was the proxy ${formatProxy(proxy)}, from ${source}. To keep it for services too: drawbridge ${kind} network --proxy URL`,
  );
}

function bothOnStandardInput(): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", "standard input can hold the invite code or the password, not both", {
    remedy: "Put the password into a file, or into DRAWBRIDGE_PROXY_PASSWORD.",
  });
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

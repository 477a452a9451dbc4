import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { EnrollOptions } from "@drawbridge/control/rpc";
import { DrawbridgeError, formatProxy } from "@drawbridge/dataplane";
import { readCode } from "./invite-code-input.ts";
import { keepNetworkChoice } from "./keep-network-choice.ts";
import type { NetworkChoice } from "./network-options.ts";
import type { OpenedReach } from "./open-reach.ts";
import { openReach } from "./open-reach.ts";
import { plain } from "./rendering/index.ts";
import type { CommandContext } from "./run-command.ts";

/** What an enrolment was asked to do besides. */
export interface EnrollCommandOptions {
  /** Puts the new identity in place of one that is there. */
  readonly replace: boolean;
  /** How this machine gets out; what is said here is kept in the home. */
  readonly network: NetworkChoice;
}

/**
 * Redeems an invite code into a home.
 *
 * @param enroll does it
 */
export async function enrollInto<Enrolled>(
  context: CommandContext,
  kind: EnrolledIdentity["kind"],
  codeArgument: string,
  { replace, network }: EnrollCommandOptions,
  enroll: (options: EnrollOptions & { home: string }) => Promise<Enrolled>,
): Promise<Enrolled> {
  const home = context.home(kind);
  if (codeArgument === "-" && network.proxyPasswordFile === "-") throw bothOnStandardInput();
  const opened = await openReach(context, kind, network);
  const code = await readCode(codeArgument);
  const enrolled = await enroll({ home, code, replace, reach: opened.reach, signal: context.signal });
  await keepNetworkChoice(context, kind, network, opened);
  noteEnvironment(context, kind, opened);
  return enrolled;
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

import { certificateFacts, certificateFromPem, formatFingerprint, loadIdentity } from "@drawbridge/control/identity";
import { AdminClient } from "@drawbridge/control/remote";
import type { EnrolledCaller } from "@drawbridge/control/rpc";
import { whoAmI } from "@drawbridge/control/rpc";
import { DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { errorLine, formatRelativeTime, plainText } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { withinTime } from "../within-time.ts";

/** What the provider says of this operator. */
type Confirmation =
  | {
      readonly kind: "confirmed";
      readonly at: string;
      readonly tenants: number;
      /** Undefined where the cloud redirector is older than the question. */
      readonly caller: EnrolledCaller | undefined;
    }
  | { readonly kind: "unreachable" | "refused"; readonly why: string };

const ASK_MS = 10_000;
/** What says that the provider did not answer, rather than that it said no. */
const UNREACHABLE = new Set(["unavailable", "dial-failed", "handshake-timeout", "shutting-down"]);

/** `drawbridge whoami`: as whom this machine is enrolled, and whether the provider agrees. */
export function whoamiCommand() {
  return commandNamed("whoami", "show as which operator you are enrolled here, and whether the provider agrees", {
    logLevel: "warn",
  }).action((options) => runCommand(options, whoami));
}

async function whoami(context: CommandContext): Promise<void> {
  const { output, home } = context;
  const { name, provider, keyFingerprint, certificate, addresses } = await loadIdentity(home("operator"), "operator");
  const { notAfter } = certificateFacts(certificateFromPem(certificate));
  const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
  output.status.update("asking the provider …");
  const answer = await confirm(context);
  output.status.clear();
  const { caller } = answer.kind === "confirmed" ? answer : {};
  // The certificate may have been renewed on the way to asking.
  const expires = new Date(caller?.certificateExpires ?? notAfter);
  const record = { operator: name, provider, fingerprint, expires: expires.toISOString(), gateways: addresses };
  const lines: [string, string][] = [
    ["operator", name],
    ["provider", provider],
    ...rights(caller),
    ["key", fingerprint],
    ["certificate", `valid until ${expires.toISOString()} (${formatRelativeTime(expires, new Date())})`],
    ["gateways", addresses.join(", ")],
    ["home", home("operator")],
    ["the provider", describe(answer)],
  ];
  const text = lines.map(([key, value]) => `${`${key}:`.padEnd(14)}${plainText(value)}`).join("\n");
  output.result({ event: "whoami", ...record, home: home("operator"), ...said(answer) }, text);
}

async function confirm(context: CommandContext): Promise<Confirmation> {
  const late = new DrawbridgeError("unavailable", "the provider has not answered in time");
  try {
    return await withinTime(ASK_MS, late, context.signal, (signal) => ask({ ...context, signal }));
  } catch (error) {
    if (context.signal.aborted) throw error;
    const ours = toDrawbridgeError(error);
    return { kind: UNREACHABLE.has(ours.code) ? "unreachable" : "refused", why: errorLine(ours) };
  }
}

async function ask(context: CommandContext): Promise<Confirmation> {
  let found: Confirmation = { kind: "unreachable", why: "" };
  await withOperatorChannel(context, async (channel) => {
    const [caller, tenants] = await Promise.all([
      whoAmI(channel, context.signal),
      new AdminClient(channel).listTenants(context.signal),
    ]);
    found = { kind: "confirmed", at: channel.address, tenants: tenants.length, caller };
  });
  return found;
}

/** Role and groups are the provider's to say; without its answer there are no such lines. */
function rights(caller: EnrolledCaller | undefined): [string, string][] {
  if (caller === undefined) return [];
  const { role = "one that this version does not know", groups } = caller;
  const reaches = role === "admin" || groups.length === 0 ? "all" : groups.join(", ");
  return [
    ["role", role],
    ["groups", reaches],
  ];
}

function said(answer: Confirmation): object {
  if (answer.kind !== "confirmed") return { server: answer.kind, why: answer.why };
  const { at, tenants, caller } = answer;
  return { server: answer.kind, at, tenants, ...(caller && { role: caller.role, groups: caller.groups }) };
}

function describe(answer: Confirmation): string {
  switch (answer.kind) {
    case "refused":
      return `refuses you: ${answer.why}`;
    case "unreachable":
      return `does not answer, so your role and groups are not known: ${answer.why}`;
    case "confirmed": {
      const { at, tenants, caller } = answer;
      const older = caller === undefined ? "; it is older than this console and does not say your role and groups" : "";
      return `knows you (asked at ${at}); tenants that you may reach: ${tenants}${older}`;
    }
  }
}

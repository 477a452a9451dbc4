import { certificateFacts, certificateFromPem, formatFingerprint, loadIdentity } from "@drawbridge/control/identity";
import { AdminClient } from "@drawbridge/control/remote";
import { DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { errorLine, formatRelativeTime, plainText } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { withinTime } from "../within-time.ts";

/** What the provider says of this operator. */
type Confirmation =
  | { readonly kind: "confirmed"; readonly at: string; readonly tenants: number; readonly groups: readonly string[] }
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
  const expires = new Date(notAfter);
  const { kind, ...said } = answer;
  const record = { operator: name, provider, fingerprint, expires: expires.toISOString(), gateways: addresses };
  const lines: [string, string][] = [
    ["operator", name],
    ["provider", provider],
    ["key", fingerprint],
    ["certificate", `valid until ${expires.toISOString()} (${formatRelativeTime(expires, new Date())})`],
    ["gateways", addresses.join(", ")],
    ["home", home("operator")],
    ["the provider", describe(answer)],
  ];
  const text = lines.map(([key, value]) => `${`${key}:`.padEnd(14)}${plainText(value)}`).join("\n");
  output.result({ event: "whoami", ...record, home: home("operator"), server: kind, ...said }, text);
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
    const tenants = await new AdminClient(channel).listTenants(context.signal);
    const groups = [...new Set(tenants.flatMap((tenant) => tenant.groups))].sort();
    found = { kind: "confirmed", at: channel.address, tenants: tenants.length, groups };
  });
  return found;
}

function describe(answer: Confirmation): string {
  if (answer.kind !== "confirmed") {
    return `${answer.kind === "refused" ? "refuses you" : "does not answer"}: ${answer.why}`;
  }
  const { at, tenants, groups } = answer;
  const which = groups.length === 0 ? "" : ` in the groups ${groups.join(", ")}`;
  return `knows you (asked at ${at}); tenants that you may reach: ${tenants}${which}`;
}

import { Command } from "@commander-js/extra-typings";
import { formatFingerprint, loadIdentity } from "@drawbridge/control/identity";
import { DEFAULT_TARGET, enrollTenant, formatTargets, parseTargets, policyPath } from "@drawbridge/control/tenant";
import { collect, commandNamed } from "../common-options.ts";
import { enrollInto } from "../enroll.ts";
import { networkChoice, noProxyOption, proxyOption, proxyPasswordOption } from "../network-options.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";
import { installService, installServiceCommandOf, uninstallServiceCommand } from "./install-service.ts";
import { networkCommand } from "./network.ts";
import { tenantAuditCommand } from "./tenant-audit.ts";
import { lockCommand, unlockCommand } from "./tenant-lock.ts";
import { approveCommand, refuseCommand, requestsCommand } from "./tenant-requests.ts";
import { reloadCommand, runTenantCommand } from "./tenant-run.ts";
import { statusCommand } from "./tenant-status.ts";

/** `drawbridge tenant …`: the customer's side. */
export function tenantCommand(): Command {
  return new Command("tenant")
    .description("the tenant redirector: enrol this machine, let the provider's operators reach its targets")
    .addCommand(enrollCommand())
    .addCommand(runTenantCommand())
    .addCommand(statusCommand())
    .addCommand(networkCommand("tenant"))
    .addCommand(requestsCommand())
    .addCommand(approveCommand())
    .addCommand(refuseCommand())
    .addCommand(lockCommand())
    .addCommand(unlockCommand())
    .addCommand(reloadCommand())
    .addCommand(tenantAuditCommand())
    .addCommand(fingerprintCommand())
    .addCommand(installServiceCommandOf("tenant").action((options) => installService("tenant", options)))
    .addCommand(uninstallServiceCommand("tenant"));
}

function enrollCommand() {
  return commandNamed("enroll", "enrol this machine with the provider's invite code")
    .argument("<code>", "the invite code; - reads it from standard input, where other users cannot see it")
    .option(
      "--target <name=host:port>",
      `what operators may reach; may be repeated (default: ${DEFAULT_TARGET})`,
      collect,
      [],
    )
    .option("--replace", "put the new identity in place of one that is there; a policy that is there stays")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .action((code, options) =>
      runCommand(options, async (context) => {
        const { output, home } = context;
        const named = formatTargets(parseTargets(options.target.length > 0 ? options.target : [DEFAULT_TARGET]));
        const targets = Object.fromEntries(named.map((target) => [target.name, target.address]));
        const path = home("tenant");
        const { identity, hasFreshPolicy } = await enrollInto(
          context,
          "tenant",
          code,
          { replace: options.replace ?? false, network: networkChoice(options) },
          (how) => enrollTenant({ ...how, targets }),
        );
        const { name, provider, keyFingerprint } = identity;
        const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
        const names = named.map((target) => `${target.name} (${target.address})`);
        const policy = policyPath(path);
        const who = hasFreshPolicy
          ? plain`Operators of ${provider} may reach: ${names.join(", ")}, and nothing else. ${policy} says how to ask or deny instead.`
          : plain`Its targets are: ${names.join(", ")}. Who may reach them stays as ${policy} has it.`;
        const record = { event: "enrolled", kind: "tenant", name, provider, fingerprint, home: path, policy };
        output.result(
          { ...record, targets: named },
          `${plain`This machine is enrolled as tenant ${name} of ${provider}. Its key is ${fingerprint}.`}
${who}
Next: drawbridge tenant run`,
        );
      }),
    );
}

function fingerprintCommand() {
  return commandNamed("fingerprint", "show this tenant's key, to compare with an operator over the telephone").action(
    (options) =>
      runCommand(options, async ({ output, home }) => {
        const { name, provider, keyFingerprint } = await loadIdentity(home("tenant"), "tenant");
        const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
        output.result({ name, provider, fingerprint }, fingerprint);
      }),
  );
}

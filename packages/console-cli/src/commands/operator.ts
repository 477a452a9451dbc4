import { Command } from "@commander-js/extra-typings";
import { formatFingerprint, loadIdentity } from "@drawbridge/control/identity";
import { enrollOperator, KnownTenants } from "@drawbridge/control/remote";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { enrollInto } from "../enroll.ts";
import { networkChoice, noProxyOption, proxyOption, proxyPasswordOption } from "../network-options.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";
import { networkCommand } from "./network.ts";

/** `drawbridge operator …`: a person of the provider. */
export function operatorCommand(): Command {
  return new Command("operator")
    .description("an operator of the provider: enrol yourself on this machine")
    .addCommand(enrollCommand())
    .addCommand(networkCommand("operator"))
    .addCommand(forgetCommand());
}

function enrollCommand() {
  return commandNamed("enroll", "enrol yourself with the provider's invite code")
    .argument("<code>", "the invite code; - reads it from standard input, where other users cannot see it")
    .option("--replace", "put the new identity in place of one that is there")
    .addOption(proxyOption())
    .addOption(noProxyOption())
    .addOption(proxyPasswordOption())
    .action((code, options) =>
      runCommand(options, async (context) => {
        const { output } = context;
        const path = context.home("operator");
        const { name, provider, keyFingerprint } = await enrollInto(
          context,
          "operator",
          code,
          { replace: options.replace ?? false, network: networkChoice(options) },
          enrollOperator,
        );
        const fingerprint = formatFingerprint(Buffer.from(keyFingerprint, "hex"));
        output.result(
          { event: "enrolled", kind: "operator", name, provider, fingerprint, home: path },
          plain`You are enrolled as operator ${name} of ${provider}. Your key is ${fingerprint}.
Next: drawbridge tenants, and drawbridge connect TENANT`,
        );
      }),
    );
}

function forgetCommand() {
  return commandNamed("forget", "forget a tenant's key, after you have checked that its new one is right")
    .argument("<tenant>", "the tenant's name")
    .action((tenant, options) =>
      runCommand(options, async ({ output, home }) => {
        const path = home("operator");
        const { provider } = await loadIdentity(path, "operator");
        if (!(await new KnownTenants(path, provider).forget(tenant))) {
          throw new DrawbridgeError("invalid-argument", `no key of tenant ${tenant} is known here`, {
            remedy: "Check the name; there may be nothing to forget.",
          });
        }
        output.result({ event: "forgotten", tenant }, plain`The key of tenant ${tenant} is forgotten.`);
      }),
    );
}

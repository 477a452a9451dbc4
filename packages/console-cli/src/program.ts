import { Command, type CommandUnknownOpts, Help, type Option } from "@commander-js/extra-typings";
import { SOFTWARE } from "@drawbridge/control/wire";
import { auditCommand } from "./commands/audit.ts";
import { cloudCommand } from "./commands/cloud.ts";
import { completionCommand } from "./commands/completion.ts";
import { configCommand } from "./commands/config.ts";
import { connectCommand } from "./commands/connect.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { forwardCommand } from "./commands/forward.ts";
import { gatewayCommand } from "./commands/gateway.ts";
import { operatorCommand } from "./commands/operator.ts";
import { revokeCommand } from "./commands/revoke.ts";
import { sessionsCommand } from "./commands/sessions.ts";
import { tenantCommand } from "./commands/tenant.ts";
import { tenantsCommand } from "./commands/tenants.ts";
import { whoamiCommand } from "./commands/whoami.ts";
import { EXAMPLES } from "./examples.ts";
import { inheritOptions } from "./inherit-options.ts";
import { throwUsageError } from "./usage-error.ts";

const FIRST_STEPS = `
The first session, on three machines (or one, with three --home folders):
  The provider:
    drawbridge cloud init --name example --public-address cloud.example:8443
    drawbridge cloud run
    drawbridge cloud invite tenant acme      (prints a code for the tenant)
    drawbridge cloud invite operator maria   (prints a code for the operator)
  The tenant:
    drawbridge tenant enroll CODE --target rdp=127.0.0.1:3389
    drawbridge tenant run
  The operator:
    drawbridge operator enroll CODE
    drawbridge connect acme
Something does not work: drawbridge doctor

Exit codes: 0 done, 2 wrong use, 3 refused, 4 unreachable, 5 failed in use.`;

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("drawbridge")
    .description("Remote desktop, and any other TCP service, on machines that only ever dial out.")
    .version(SOFTWARE, "--version", "show the version")
    .addHelpText("after", FIRST_STEPS)
    .addCommand(cloudCommand())
    .addCommand(gatewayCommand())
    .addCommand(tenantCommand())
    .addCommand(operatorCommand())
    .addCommand(tenantsCommand())
    .addCommand(connectCommand())
    .addCommand(forwardCommand())
    .addCommand(sessionsCommand())
    .addCommand(whoamiCommand())
    .addCommand(configCommand())
    .addCommand(revokeCommand())
    .addCommand(auditCommand())
    .addCommand(doctorCommand())
    .addCommand(completionCommand(() => program));
  program.hook("preAction", (_program, command) => inheritOptions(command));
  return withOurErrors(program);
}

/** commander shows defaults such as `[]` and `""`, which tell people nothing. */
const describeOption = (option: Option): string =>
  new Help().optionDescription(option).replace(/ \(default: (\[\]|"")\)$|, default: (\[\]|"")(?=\)$)/, "");

/** The options that every command has would leave no room for what it does. */
const describeCommand = (command: CommandUnknownOpts): string =>
  new Help().subcommandTerm(command).replace(" [options]", "");

/** Makes every command throw where commander would write to standard error and end the process, and show an example. */
function withOurErrors(command: Command, words: readonly string[] = []): Command {
  command.exitOverride((error) => throwUsageError(command, error));
  command.configureOutput({ outputError: () => {} });
  command.configureHelp({ optionDescription: describeOption, subcommandTerm: describeCommand });
  const example = EXAMPLES[words.join(" ")];
  if (example !== undefined) {
    command.addHelpText("after", `\nExample: ${["drawbridge", ...words, example].join(" ").trimEnd()}`);
  }
  // Otherwise `audit verify --home DIR` gives the home to `audit`, and `verify` takes the usual one.
  command.enablePositionalOptions();
  for (const child of command.commands) withOurErrors(child as Command, [...words, child.name()]);
  return command;
}

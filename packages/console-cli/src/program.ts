import { Command } from "@commander-js/extra-typings";
import { SOFTWARE } from "@drawbridge/control/wire";
import { auditCommand } from "./commands/audit.ts";
import { cloudCommand } from "./commands/cloud.ts";
import { connectCommand } from "./commands/connect.ts";
import { operatorCommand } from "./commands/operator.ts";
import { revokeCommand } from "./commands/revoke.ts";
import { sessionsCommand } from "./commands/sessions.ts";
import { tenantCommand } from "./commands/tenant.ts";
import { tenantsCommand } from "./commands/tenants.ts";

const FIRST_STEPS = `
The first session, on three machines (or one, with three --home folders):
  provider   drawbridge cloud init --name example --public-address cloud.example:8443
             drawbridge cloud run
             drawbridge cloud invite tenant acme        (prints a code for the tenant)
             drawbridge cloud invite operator maria     (prints a code for the operator)
  tenant     drawbridge tenant enroll CODE --target rdp=127.0.0.1:3389
             drawbridge tenant run
  operator   drawbridge operator enroll CODE
             drawbridge connect acme

Exit codes: 0 done, 2 wrong use, 3 refused, 4 unreachable, 5 failed in use.`;

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("drawbridge")
    .description("Remote desktop, and any other TCP service, on machines that only ever dial out.")
    .version(SOFTWARE, "--version", "show the version")
    .addHelpText("after", FIRST_STEPS)
    .showHelpAfterError("(see --help)")
    .addCommand(cloudCommand())
    .addCommand(tenantCommand())
    .addCommand(operatorCommand())
    .addCommand(tenantsCommand())
    .addCommand(connectCommand())
    .addCommand(sessionsCommand())
    .addCommand(revokeCommand())
    .addCommand(auditCommand());
  return withExitOverride(program);
}

/** Makes every command throw where commander would end the process. */
function withExitOverride(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) withExitOverride(child as Command);
  return command;
}

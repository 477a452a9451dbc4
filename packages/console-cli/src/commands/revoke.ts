import { Argument } from "@commander-js/extra-typings";
import { AdminClient } from "@drawbridge/control/remote";
import { counted } from "@drawbridge/control/wire";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge revoke`: takes a principal's access away. */
export function revokeCommand() {
  return commandNamed("revoke", "take a tenant's or an operator's access away, at once and for good (admins)")
    .addArgument(new Argument("<kind>", "whose access").choices(["tenant", "operator"] as const))
    .argument("<name>", "its name")
    .action((kind, name, options) =>
      runCommand(options, (context) =>
        withOperatorChannel(context, async (channel) => {
          const sessionsEnded = await new AdminClient(channel).revoke(kind, name, context.signal);
          context.output.result(
            { event: "revoked", kind, name, sessionsEnded },
            plain`The access of ${kind} ${name} is revoked; ${counted(sessionsEnded, "session")} of its ended.`,
          );
        }),
      ),
    );
}

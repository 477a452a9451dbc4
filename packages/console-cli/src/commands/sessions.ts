import type { SessionEntry } from "@drawbridge/control/remote";
import { AdminClient } from "@drawbridge/control/remote";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import type { Column } from "../rendering/index.ts";
import { formatBytes, formatDuration, plain, renderTable } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge sessions`: which are open, and `sessions end`. */
export function sessionsCommand() {
  const sessions = commandNamed("sessions", "list the open sessions").action((options) =>
    runCommand(options, (context) =>
      withOperatorChannel(context, async (channel) => {
        const { output, signal } = context;
        const open = await new AdminClient(channel).listSessions(signal);
        for (const session of open) output.record({ ...session, started: new Date(session.started).toISOString() });
        if (open.length === 0) output.note("No session is open.");
        else output.text(renderTable(COLUMNS, open, { width: output.width, colours: output.colours }));
      }),
    ),
  );
  return sessions.addCommand(endCommand());
}

const COLUMNS: Column<SessionEntry>[] = [
  { header: "SESSION", cell: ({ id }) => id, whole: true },
  { header: "OPERATOR", cell: ({ operator }) => operator },
  { header: "TENANT", cell: ({ tenant }) => tenant },
  { header: "TARGET", cell: ({ target }) => target },
  { header: "STATE", cell: ({ state }) => state },
  { header: "FOR", cell: ({ started }) => formatDuration(Date.now() - started), align: "right" },
  { header: "LINKS", cell: ({ links }) => String(links), align: "right" },
  { header: "TO TENANT", cell: ({ toTenant }) => formatBytes(toTenant), align: "right" },
  { header: "BACK", cell: ({ toRemote }) => formatBytes(toRemote), align: "right" },
  { header: "REASON", cell: ({ reason }) => reason },
];

function endCommand() {
  return commandNamed("end", "end a session and close its links at once")
    .argument("<id>", "the session's id, as `drawbridge sessions` shows it")
    .action((id, options) =>
      runCommand(options, (context) =>
        withOperatorChannel(context, async (channel) => {
          await new AdminClient(channel).endSession(id, context.signal);
          context.output.result({ event: "session-ended", session: id }, plain`Session ${id} is ended.`);
        }),
      ),
    );
}

import type { SessionEntry } from "@drawbridge/control/remote";
import { AdminClient } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { overGateways, tellWait } from "../over-gateways.ts";
import type { Column } from "../rendering/index.ts";
import { formatBytes, formatDuration, LiveView, plain, renderTable } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { waitFor } from "../wait-for.ts";

/** How often `--watch` asks: the contract has no stream of sessions. */
const ASK_EVERY_MS = 2_000;

/** Which sessions are wanted. */
interface SessionFilter {
  readonly tenant?: string | undefined;
  readonly operator?: string | undefined;
}

/** `drawbridge sessions`: which are open, and `sessions end`. */
export function sessionsCommand() {
  const sessions = commandNamed("sessions", "list the open sessions")
    .option("--tenant <name>", "only those to this tenant")
    .option("--operator <name>", "only those of this operator")
    .option("--watch", "stay and show changes as they happen")
    .action((options) =>
      runCommand(options, (context) =>
        withOperatorChannel(context, async (channel, identity, gateways, take) => {
          if (options.watch) {
            const onWait = tellWait(context.output);
            const path = { ...context, channel, take, identity, gateways, keepsTrying: true, onWait };
            return overGateways(path, (now) => watch(context, now, options));
          }
          const { output } = context;
          const open = await listed(context, channel, options);
          for (const session of open) output.record(record(session));
          if (open.length === 0) output.note("No session is open.");
          else output.text(table(open, output));
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
  { header: "STATE", cell: ({ state }) => state, dispensable: 1 },
  { header: "FOR", cell: ({ started }) => formatDuration(Date.now() - started), align: "right", dispensable: 2 },
  { header: "LINKS", cell: ({ links }) => String(links), align: "right", dispensable: 5 },
  { header: "TO TENANT", cell: ({ toTenant }) => formatBytes(toTenant), align: "right", dispensable: 4 },
  { header: "BACK", cell: ({ toRemote }) => formatBytes(toRemote), align: "right", dispensable: 3 },
  { header: "REASON", cell: ({ reason }) => reason, dispensable: 6 },
];

/** Links go plain where a tenant permits it, which is seldom: the column is there when it says something. */
const PLAIN: Column<SessionEntry> = { header: "PLAIN", cell: (session) => (session.plain ? "yes" : "no") };

function table(open: readonly SessionEntry[], { width, colours }: CommandContext["output"]): string {
  const columns = open.some((session) => session.plain) ? COLUMNS.toSpliced(5, 0, PLAIN) : COLUMNS;
  return renderTable(columns, open, { width, colours });
}

const record = (session: SessionEntry): object => ({ ...session, started: new Date(session.started).toISOString() });

async function listed(
  { signal }: CommandContext,
  channel: RpcChannel,
  { tenant, operator }: SessionFilter,
): Promise<SessionEntry[]> {
  const open = await new AdminClient(channel).listSessions(signal);
  return open.filter(
    (session) =>
      (tenant === undefined || session.tenant === tenant) && (operator === undefined || session.operator === operator),
  );
}

/** On a terminal the table is drawn anew in its place; elsewhere each session that comes, changes state or goes is a line. */
async function watch(context: CommandContext, channel: RpcChannel, filter: SessionFilter): Promise<void> {
  const { output, signal } = context;
  const isTerminal = output.width !== undefined && !output.json;
  let open: readonly SessionEntry[] = [];
  const live = new LiveView(output, () => (open.length === 0 ? "No session is open." : table(open, output)));
  try {
    while (!signal.aborted) {
      const now = await listed(context, channel, filter);
      if (!isTerminal) tellChanges(context, open, now);
      open = now;
      if (isTerminal) live.changed();
      await waitFor(ASK_EVERY_MS, signal);
    }
  } finally {
    live.close();
  }
}

function tellChanges({ output }: CommandContext, before: readonly SessionEntry[], now: readonly SessionEntry[]): void {
  for (const session of now) {
    const { id, operator, tenant, target, state } = session;
    if (before.find((other) => other.id === id)?.state === state) continue;
    const how = session.plain ? ", with plain links" : "";
    output.result(record(session), plain`${id}: ${operator} to ${tenant}/${target} is ${state}${how}`);
  }
  for (const { id, operator, tenant, target } of before) {
    if (now.some((other) => other.id === id)) continue;
    const ended = { id, operator, tenant, target, state: "ended" };
    output.result(ended, plain`${id}: ${operator} to ${tenant}/${target} is ended`);
  }
}

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

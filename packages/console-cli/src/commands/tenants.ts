import { formatFingerprint } from "@drawbridge/control/identity";
import type { TenantEntry } from "@drawbridge/control/remote";
import { AdminClient, watchTenants } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { overGateways } from "../over-gateways.ts";
import type { Column } from "../rendering/index.ts";
import { formatRelativeTime, plain, renderTable } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenants`: who there is, and who is online. */
export function tenantsCommand() {
  return commandNamed("tenants", "list the tenants that you may reach")
    .option("--watch", "stay and show changes as they happen")
    .option("--fingerprint", "show the tenants' keys, to compare over the telephone")
    .action((options) =>
      runCommand(options, (context) =>
        withOperatorChannel(context, async (channel, identity, gateways) => {
          const columns = options.fingerprint ? FINGERPRINT_COLUMNS : COLUMNS;
          if (options.watch) {
            return overGateways({ ...context, channel, identity, gateways }, (now) => watch(context, now, columns));
          }
          print(context, await new AdminClient(channel).listTenants(context.signal), columns);
        }),
      ),
    );
}

const shownFingerprint = ({ keyFingerprint }: TenantEntry): string =>
  formatFingerprint(Buffer.from(keyFingerprint, "hex"));

const NAME: Column<TenantEntry> = { header: "TENANT", cell: ({ name }) => name, whole: true };

const COLUMNS: Column<TenantEntry>[] = [
  NAME,
  { header: "STATE", cell: ({ state }) => state, whole: true },
  {
    header: "SINCE",
    cell: ({ since }) => (since === undefined ? "never online" : formatRelativeTime(new Date(since), new Date())),
  },
  { header: "TARGETS", cell: ({ targets }) => targets.map(({ name }) => name).join(" ") },
  { header: "SESSIONS", cell: ({ openSessions }) => String(openSessions), align: "right" },
  { header: "GROUPS", cell: ({ groups }) => groups.join(" ") },
  { header: "HOST", cell: ({ hostName }) => hostName },
  { header: "ADDRESS", cell: ({ sourceAddress }) => sourceAddress },
  { header: "SOFTWARE", cell: ({ software }) => software },
];

const FINGERPRINT_COLUMNS: Column<TenantEntry>[] = [NAME, { header: "KEY", cell: shownFingerprint, whole: true }];

function record(tenant: TenantEntry): object {
  const { since, keyFingerprint, ...rest } = tenant;
  const shownSince = since === undefined ? null : new Date(since).toISOString();
  return { ...rest, since: shownSince, fingerprint: shownFingerprint(tenant) };
}

function print({ output }: CommandContext, tenants: TenantEntry[], columns: Column<TenantEntry>[]): void {
  for (const tenant of tenants) output.record(record(tenant));
  if (tenants.length === 0)
    output.note("There are no tenants yet. Invite one with: drawbridge cloud invite tenant NAME");
  else output.text(renderTable(columns, tenants, { width: output.width, colours: output.colours }));
}

/** Clears the screen and goes to its top. Only ever sent to a terminal. */
const CLEAR = "\u001b[2J\u001b[H";

/** On a terminal the table is drawn anew at each change; elsewhere each change is a line. */
async function watch(context: CommandContext, channel: RpcChannel, columns: Column<TenantEntry>[]): Promise<void> {
  const { output, signal } = context;
  const tenants = new Map<string, TenantEntry>();
  const isTerminal = output.width !== undefined && !output.json;
  for await (const event of watchTenants(channel, signal)) {
    if (event.event === "snapshot") {
      tenants.clear();
      for (const tenant of event.tenants) tenants.set(tenant.name, tenant);
      if (!isTerminal) print(context, event.tenants, columns);
    } else if (event.event === "changed") {
      tenants.set(event.tenant.name, event.tenant);
      const { name, state, openSessions } = event.tenant;
      if (!isTerminal) output.result(record(event.tenant), plain`${name} is ${state}, ${openSessions} sessions`);
    } else {
      tenants.delete(event.name);
      if (!isTerminal) output.result({ name: event.name, state: "removed" }, plain`${event.name} is gone`);
    }
    if (!isTerminal) continue;
    const sorted = [...tenants.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    output.text(`${CLEAR}${renderTable(columns, sorted, { width: output.width, colours: output.colours })}`);
  }
}

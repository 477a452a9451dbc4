import { Option } from "@commander-js/extra-typings";
import { formatFingerprint } from "@drawbridge/control/identity";
import type { TenantEntry } from "@drawbridge/control/remote";
import { AdminClient, watchTenants } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { counted } from "@drawbridge/control/wire";
import { collect, commandNamed } from "../common-options.ts";
import { rememberTenants } from "../completion/tenant-cache.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { overGateways, tellWait } from "../over-gateways.ts";
import type { Colours, Column } from "../rendering/index.ts";
import { formatRelativeTime, LiveView, plain, renderTable } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";
import { isWanted, type TenantFilter } from "./tenant-filter.ts";

/** What is shown of which tenants. */
interface TenantsView {
  readonly filter: TenantFilter;
  readonly columns: Column<TenantEntry>[];
}

/** `drawbridge tenants`: who there is, and who is online. */
export function tenantsCommand() {
  return commandNamed("tenants", "list the tenants that you may reach")
    .argument("[text]", "only those with this in their name, host name or targets")
    .option("--group <name>", "only those in this group; may be repeated", collect, [])
    .addOption(new Option("--state <state>", "only those in this state").choices(["online", "offline"] as const))
    .option("--watch", "stay and show changes as they happen")
    .option("--fingerprint", "show the tenants' keys, to compare over the telephone")
    .action((text, options) =>
      runCommand(options, (context) =>
        withOperatorChannel(context, async (channel, identity, gateways, take) => {
          const columns = options.fingerprint ? FINGERPRINT_COLUMNS : columnsIn(context.output.colours);
          const filter = { text, groups: options.group, state: options.state };
          const view = { columns, filter };
          if (options.watch) {
            const onWait = tellWait(context.output);
            const path = { ...context, channel, take, identity, gateways, keepsTrying: true, onWait };
            return overGateways(path, (now) => watch(context, now, view));
          }
          const tenants = await new AdminClient(channel).listTenants(context.signal);
          rememberTenants(context.home("operator"), tenants);
          print(context, tenants, view);
        }),
      ),
    );
}

const shownFingerprint = ({ keyFingerprint }: TenantEntry): string =>
  formatFingerprint(Buffer.from(keyFingerprint, "hex"));

const shownTargets = ({ targets, freeTargets }: TenantEntry): string =>
  [...targets.map(({ name }) => name), ...(freeTargets ? ["+ free targets"] : [])].join(" ");

const NAME: Column<TenantEntry> = { header: "TENANT", cell: ({ name }) => name, whole: true };

function columnsIn(colours: Colours): Column<TenantEntry>[] {
  const paintState = (text: string, { state }: TenantEntry): string =>
    state === "online" ? colours.green(text) : colours.dim(text);
  return [
    NAME,
    { header: "STATE", cell: ({ state }) => state, whole: true, paint: paintState },
    {
      header: "SINCE",
      cell: ({ since }) => (since === undefined ? "never online" : formatRelativeTime(new Date(since), new Date())),
      dispensable: 1,
    },
    { header: "TARGETS", cell: shownTargets, dispensable: 2 },
    { header: "SESSIONS", cell: ({ openSessions }) => String(openSessions), align: "right", dispensable: 3 },
    { header: "GROUPS", cell: ({ groups }) => groups.join(" "), dispensable: 4 },
    { header: "HOST", cell: ({ hostName }) => hostName, dispensable: 7 },
    { header: "ADDRESS", cell: ({ sourceAddress }) => sourceAddress, dispensable: 5 },
    { header: "VERSION", cell: ({ software }) => software.replace(/^drawbridge\//, ""), dispensable: 6 },
  ];
}

const FINGERPRINT_COLUMNS: Column<TenantEntry>[] = [NAME, { header: "KEY", cell: shownFingerprint, whole: true }];

function record(tenant: TenantEntry): object {
  const { since, keyFingerprint, ...rest } = tenant;
  const shownSince = since === undefined ? null : new Date(since).toISOString();
  return { ...rest, since: shownSince, fingerprint: shownFingerprint(tenant) };
}

function print({ output }: CommandContext, tenants: readonly TenantEntry[], { filter, columns }: TenantsView): void {
  const wanted = tenants.filter((tenant) => isWanted(tenant, filter));
  for (const tenant of wanted) output.record(record(tenant));
  if (wanted.length > 0) output.text(renderTable(columns, wanted, { width: output.width, colours: output.colours }));
  else output.note(nobody(tenants.length));
  if (output.height !== undefined && wanted.length >= output.height) output.note(tooMany(wanted));
}

/** The head of a table that is longer than the terminal is high has scrolled away. */
function tooMany(shown: readonly TenantEntry[]): string {
  const online = shown.filter(({ state }) => state === "online").length;
  return `${counted(shown.length, "tenant")}, ${online} online. For fewer: drawbridge tenants TEXT, --group NAME, --state online.`;
}

const nobody = (inAll: number): string =>
  inAll === 0
    ? "There are no tenants yet. Invite one with: drawbridge cloud invite tenant NAME"
    : inAll === 1
      ? "The one tenant that you may reach is not like that."
      : `None of the ${inAll} tenants that you may reach is like that.`;

/** On a terminal the table is drawn anew in its place; elsewhere each change is a line. */
async function watch(context: CommandContext, channel: RpcChannel, view: TenantsView): Promise<void> {
  const { output, signal } = context;
  const tenants = new Map<string, TenantEntry>();
  if (output.width === undefined || output.json) {
    for await (const event of watchTenants(channel, signal)) {
      if (event.event === "snapshot") print(context, event.tenants, view);
      else if (event.event === "removed")
        output.result({ name: event.name, state: "removed" }, plain`${event.name} is gone`);
      else if (isWanted(event.tenant, { ...view.filter, state: undefined })) tellChange(context, event.tenant);
    }
    return;
  }
  const live = new LiveView(output, () => {
    const sorted = [...tenants.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const wanted = sorted.filter((tenant) => isWanted(tenant, view.filter));
    if (wanted.length === 0) return nobody(sorted.length);
    return renderTable(view.columns, wanted, { width: output.width, colours: output.colours });
  });
  try {
    for await (const event of watchTenants(channel, signal)) {
      if (event.event === "snapshot") tenants.clear();
      if (event.event === "snapshot") for (const tenant of event.tenants) tenants.set(tenant.name, tenant);
      else if (event.event === "changed") tenants.set(event.tenant.name, event.tenant);
      else tenants.delete(event.name);
      live.changed();
    }
  } finally {
    live.close();
  }
}

/** Also told of one that has just left the wanted state. */
function tellChange({ output }: CommandContext, tenant: TenantEntry): void {
  const { name, state, openSessions } = tenant;
  output.result(record(tenant), plain`${name} is ${state}, ${counted(openSessions, "session")}`);
}

import { openCloudHome } from "@drawbridge/control/cloud";
import type { AuditEntry } from "@drawbridge/control/remote";
import { AdminClient } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { withOperatorChannel } from "../operator-channel.ts";
import { overGateways } from "../over-gateways.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge audit`: what has happened; `audit verify` and `audit export` on the cloud redirector's own machine. */
export function auditCommand() {
  const audit = commandNamed("audit", "read the audit log (admins)")
    .option("--since <time>", "only records of this time or later, for example 2026-11-22T08:00Z", parseTime)
    .option("--tenant <name>", "only records about this tenant")
    .option("--operator <name>", "only records about this operator")
    .option("--follow", "stay and show records as they are written")
    .action((options) =>
      runCommand(options, (context) =>
        withOperatorChannel(context, async (channel, identity, gateways, take) => {
          const { since, tenant, operator, follow = false } = options;
          const query = {
            ...(since !== undefined && { since }),
            ...(tenant && { tenant }),
            ...(operator && { operator }),
          };
          let afterSequence = 0;
          const read = async (now: RpcChannel): Promise<void> => {
            const admin = new AdminClient(now);
            for await (const entry of admin.readAudit({ ...query, afterSequence, follow }, context.signal)) {
              afterSequence = entry.sequence;
              context.output.result({ ...entry, time: iso(entry) }, line(entry));
            }
          };
          if (!follow) return read(channel);
          return overGateways({ ...context, channel, take, identity, gateways, keepsTrying: true }, read);
        }),
      ),
    );
  return audit.addCommand(verifyCommand()).addCommand(exportCommand());
}

const iso = ({ time }: AuditEntry): string => new Date(time).toISOString();

function line(entry: AuditEntry): string {
  const { sequence, event, operator, tenant, details } = entry;
  const who = [operator, tenant].filter(Boolean).join(" → ");
  return plain`${sequence}  ${iso(entry)}  ${event}  ${who}  ${JSON.stringify(details)}`;
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError("Write a date and time as in 2026-11-22T08:00Z.");
  return time;
}

function verifyCommand() {
  return commandNamed("verify", "check the audit log's hash chain, on the cloud redirector's machine").action(
    (options) =>
      runCommand(options, async ({ output, signal, home }) => {
        const { store } = await openCloudHome(home("cloud"));
        try {
          const result = await store.audit.verify(signal);
          if (result.state === "broken") {
            throw new DrawbridgeError(
              "internal",
              `the audit log is broken at record ${result.sequence}: ${result.text}`,
              {
                remedy: "Somebody changed the store: compare it with a backup.",
              },
            );
          }
          const { records, headHash } = result;
          output.result(
            { event: "intact", records, headHash },
            plain`${records === 1 ? "The one record is" : `All ${records} records are`} intact. Head: ${headHash}`,
          );
        } finally {
          await store.close();
        }
      }),
  );
}

function exportCommand() {
  return commandNamed("export", "print the whole audit log as JSON lines, with what its hashes are made of").action(
    (options) =>
      runCommand(options, async ({ output, signal, home }) => {
        const { store } = await openCloudHome(home("cloud"));
        try {
          let afterSequence = 0;
          for (;;) {
            const page = await store.audit.read({ afterSequence });
            for (const record of page) output.result(record, JSON.stringify(record));
            const last = page.at(-1);
            if (last === undefined || signal.aborted) return;
            afterSequence = last.sequence;
          }
        } finally {
          await store.close();
        }
      }),
  );
}

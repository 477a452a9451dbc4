import { loadIdentity } from "@drawbridge/control/identity";
import { TenantAuditLog } from "@drawbridge/control/tenant";
import { systemWallClock } from "@drawbridge/control/wire";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import type { Output } from "../rendering/index.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant audit`: this machine's own record of what the provider's operators did. */
export function tenantAuditCommand() {
  return commandNamed("audit", "read this tenant's own audit log; its session ids are those of the provider's log")
    .option("--session <id>", "only records about this session, to compare with the provider's")
    .option("--verify", "check the hash chain instead")
    .action((options) =>
      runCommand(options, async ({ output, signal, log, home }) => {
        const path = home("tenant");
        const { name } = await loadIdentity(path, "tenant");
        const audit = await TenantAuditLog.open(path, name, systemWallClock, log);
        try {
          if (options.verify) await verify(output, audit, signal);
          else await print(output, audit, options.session, signal);
        } finally {
          await audit.close();
        }
      }),
    );
}

async function print(
  output: Output,
  audit: TenantAuditLog,
  session: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (let afterSequence = 0; !signal.aborted;) {
    const page = await audit.records.read({ afterSequence });
    for (const { sequence, time, event, operator, detailsJson, hash } of page) {
      afterSequence = sequence;
      const details = JSON.parse(detailsJson) as Record<string, unknown>;
      if (session !== undefined && details["session"] !== session) continue;
      const at = new Date(time).toISOString();
      output.result(
        { sequence, time: at, event, operator, details, hash },
        plain`${sequence}  ${at}  ${event}  ${operator}  ${detailsJson}`,
      );
    }
    if (page.length === 0) return;
  }
}

async function verify(output: Output, audit: TenantAuditLog, signal: AbortSignal): Promise<void> {
  const result = await audit.records.verify(signal);
  if (result.state === "broken") {
    throw new DrawbridgeError("internal", `this tenant's ${result.text}`, {
      remedy: "Somebody changed audit.db in the tenant's home: compare it with a backup.",
    });
  }
  const { records, headHash } = result;
  output.result({ event: "intact", records, headHash }, plain`All ${records} records are intact. Head: ${headHash}`);
}

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { loadIdentity } from "@drawbridge/control/identity";
import { compareAudits, SessionLedger, TenantAuditLog } from "@drawbridge/control/tenant";
import { systemWallClock } from "@drawbridge/control/wire";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import type { Output } from "../rendering/index.ts";
import { plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant audit`: this machine's own record of what the provider's operators did. */
export function tenantAuditCommand() {
  return commandNamed("audit", "read this tenant's own audit log; its session ids are those of the provider's log")
    .option("--session <id>", "only records about this session")
    .option("--verify", "check the hash chain instead")
    .option(
      "--compare <file>",
      "compare with the provider's log instead, as its `audit --json` or `audit export` printed it; - reads standard input",
    )
    .action((options) =>
      runCommand(options, async ({ output, signal, log, home }) => {
        const path = home("tenant");
        const { name } = await loadIdentity(path, "tenant");
        const audit = await TenantAuditLog.open(path, name, systemWallClock, log);
        try {
          if (options.compare !== undefined) await compare(output, audit, options.compare, name, signal);
          else if (options.verify) await verify(output, audit, signal);
          else await print(output, audit, options.session, signal);
        } finally {
          await audit.close();
        }
      }),
    );
}

async function* recordsOf(audit: TenantAuditLog, signal: AbortSignal) {
  for (let afterSequence = 0; !signal.aborted;) {
    const page = await audit.records.read({ afterSequence });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    afterSequence = last.sequence;
  }
}

async function print(
  output: Output,
  audit: TenantAuditLog,
  session: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  for await (const { sequence, time, event, operator, detailsJson, hash } of recordsOf(audit, signal)) {
    const details = JSON.parse(detailsJson) as Record<string, unknown>;
    if (session !== undefined && details["session"] !== session) continue;
    const at = new Date(time).toISOString();
    output.result(
      { sequence, time: at, event, operator, details, hash },
      plain`${sequence}  ${at}  ${event}  ${operator}  ${detailsJson}`,
    );
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
  output.result(
    { event: "intact", records, headHash },
    plain`${records === 1 ? "The one record is" : `All ${records} records are`} intact. Head: ${headHash}`,
  );
}

async function compare(
  output: Output,
  audit: TenantAuditLog,
  file: string,
  tenant: string,
  signal: AbortSignal,
): Promise<void> {
  const [own, provider] = [new SessionLedger(), await readProviderLog(file, tenant, signal)];
  for await (const record of recordsOf(audit, signal)) own.add(record, tenant);
  const { matching, outside, differences } = compareAudits(own, provider);
  for (const difference of differences) {
    output.result({ event: "difference", ...difference }, plain`Session ${difference.session} ${difference.text}.`);
  }
  output.result(
    { event: "compared", matching, outside, differences: differences.length },
    `Opened sessions that match: ${matching}; differences: ${differences.length}; outside of the provider's records: ${outside}.`,
  );
  if (differences.length === 0) return;
  throw new DrawbridgeError("internal", "this tenant's audit log and the provider's do not say the same", {
    remedy: "Verify both (`tenant audit --verify`, `audit verify`), then ask the provider about these sessions.",
  });
}

async function readProviderLog(file: string, tenant: string, signal: AbortSignal): Promise<SessionLedger> {
  const ledger = new SessionLedger();
  const input = file === "-" ? process.stdin : createReadStream(file);
  let number = 0;
  try {
    for await (const line of createInterface({ input, signal, crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() !== "" && !ledger.add(JSON.parse(line), tenant)) throw new SyntaxError("it is no audit record");
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DrawbridgeError("invalid-argument", `${file} cannot be compared, after line ${number}: ${why}`, {
      remedy: "Ask the provider for what `drawbridge audit export` prints.",
      cause,
    });
  }
  return ledger;
}

import { loadIdentity } from "@drawbridge/control/identity";
import type { AccessLock, StatusView } from "@drawbridge/control/tenant";
import { askLocal, readLock } from "@drawbridge/control/tenant";
import { counted } from "@drawbridge/control/wire";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { commandNamed } from "../common-options.ts";
import { formatRelativeTime, plain } from "../rendering/index.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant status`. */
export function statusCommand() {
  return commandNamed("status", "show whether this tenant is connected and locked, and who is in").action((options) =>
    runCommand(options, async ({ output, signal, home }) => {
      const path = home("tenant");
      const { name } = await loadIdentity(path, "tenant");
      const [status, lock] = await Promise.all([runningStatus(path, signal), readLock(path)]);
      const { pid, connection, sessions = [], requests = [] } = status ?? {};
      output.result(
        { tenant: name, running: status !== undefined, pid, connection, locked: lock ?? false, sessions, requests },
        describe(name, status, lock),
      );
    }),
  );
}

async function runningStatus(home: string, signal: AbortSignal): Promise<StatusView | undefined> {
  try {
    return (await askLocal(home, { call: "status" }, "status", signal)).status;
  } catch (error) {
    if (error instanceof DrawbridgeError && error.code === "unavailable") return undefined;
    throw error;
  }
}

function describe(tenant: string, status: StatusView | undefined, lock: AccessLock | undefined): string {
  const lines = [`Tenant ${tenant}: ${connectionText(status)}`, `Access: ${lockText(lock)}`];
  for (const { id, operator, target, opened, consentBy, links, reason, plain: isPlain } of status?.sessions ?? []) {
    const why = reason === "" ? "" : plain` (${reason})`;
    const how = isPlain ? ", not encrypted end to end" : "";
    lines.push(
      plain`Session ${id}: ${operator} at ${target}${why}, opened ${ago(opened)} by ${consentBy}, ${counted(links, "link")}${how}`,
    );
  }
  for (const { id, operator, target } of status?.requests ?? []) {
    lines.push(plain`Request ${id}: ${operator} asks for ${target}; see drawbridge tenant requests`);
  }
  if (status !== undefined && status.sessions.length === 0) lines.push("No session is open.");
  return lines.join("\n");
}

function connectionText(status: StatusView | undefined): string {
  if (status === undefined) return "`drawbridge tenant run` is not running";
  const { connection } = status;
  if (connection.name === "disconnected") return plain`not connected (${connection.why})`;
  const since = ago(new Date(connection.since).toISOString());
  return plain`connected to ${connection.provider} at ${connection.address}, since ${since}`;
}

function lockText(lock: AccessLock | undefined): string {
  if (lock === undefined) return "open, as the policy has it";
  const why = lock.reason === "" ? "" : `: ${lock.reason}`;
  return plain`LOCKED by ${lock.by}, ${ago(lock.since)}${why}`;
}

function ago(iso: string): string {
  return formatRelativeTime(new Date(iso), new Date());
}

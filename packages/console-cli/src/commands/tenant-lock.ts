import { loadIdentity } from "@drawbridge/control/identity";
import { askLocal, lockHome, readLock, TenantAuditLog, unlockHome } from "@drawbridge/control/tenant";
import { counted, systemWallClock } from "@drawbridge/control/wire";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { accountName } from "../account-name.ts";
import { commandNamed } from "../common-options.ts";
import { plain } from "../rendering/index.ts";
import type { CommandContext } from "../run-command.ts";
import { runCommand } from "../run-command.ts";

/** `drawbridge tenant lock`: the kill switch. */
export function lockCommand() {
  return commandNamed("lock", "end all access at once and let nobody in, also after a restart, until `unlock`")
    .option("--reason <text>", "why; operators see it", "")
    .action((options) =>
      runCommand(options, async (context) => {
        const { output, home } = context;
        const path = home("tenant");
        const { reason } = options;
        if (Buffer.byteLength(reason) > 500) throw new DrawbridgeError("invalid-argument", "the reason is too long");
        const { name } = await loadIdentity(path, "tenant");
        const lock = { since: new Date().toISOString(), by: accountName(), reason };
        // The file first: whatever happens to this command or to `tenant run`, the lock holds from here on.
        await lockHome(path, lock);
        const applied = await apply(context, path, name, "locked", reason);
        output.result(
          { event: "locked", ...lock, ...applied },
          plain`Access is locked. ${tell(applied)} Open it again with: drawbridge tenant unlock`,
        );
      }),
    );
}

/** `drawbridge tenant unlock`. */
export function unlockCommand() {
  return commandNamed("unlock", "take the lock away: the policy decides again").action((options) =>
    runCommand(options, async (context) => {
      const { output, home } = context;
      const path = home("tenant");
      const { name } = await loadIdentity(path, "tenant");
      if ((await readLock(path)) === undefined) {
        output.result({ event: "unlocked", wasLocked: false }, "Access was not locked.");
        return;
      }
      await unlockHome(path);
      await apply(context, path, name, "unlocked", "");
      output.result({ event: "unlocked", wasLocked: true }, "Access is unlocked: the policy decides again.");
    }),
  );
}

interface Applied {
  running: boolean;
  sessionsEnded: number;
  requestsRefused: number;
}

/** Tells a tenant redirector that runs; where none does, writes the audit record itself. */
async function apply(
  { signal, log }: CommandContext,
  home: string,
  tenant: string,
  event: "locked" | "unlocked",
  reason: string,
): Promise<Applied> {
  const by = accountName();
  try {
    const { sessionsEnded, requestsRefused } = await askLocal(home, { call: "lock-changed", by }, "applied", signal);
    return { running: true, sessionsEnded, requestsRefused };
  } catch (error) {
    if (!(error instanceof DrawbridgeError)) throw error;
    if (error.code !== "unavailable") throw notTold(event, error);
  }
  const audit = await TenantAuditLog.open(home, tenant, systemWallClock, log);
  await audit.record(event, { by, reason });
  await audit.close();
  return { running: false, sessionsEnded: 0, requestsRefused: 0 };
}

function tell({ running, sessionsEnded, requestsRefused }: Applied): string {
  if (!running) return "`tenant run` is not running; it will let nobody in when it does.";
  return `${counted(sessionsEnded, "session")} ended, ${counted(requestsRefused, "request")} refused.`;
}

function notTold(event: string, cause: DrawbridgeError): DrawbridgeError {
  const message = `the home is ${event}, but \`tenant run\` could not be told, and what is open may still be: ${cause.message}`;
  return new DrawbridgeError(cause.code, message, { remedy: cause.remedy, cause });
}

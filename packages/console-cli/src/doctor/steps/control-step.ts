import { askLocal, readLock } from "@drawbridge/control/tenant";
import { DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import { formatRelativeTime } from "../../rendering/index.ts";
import type { Step } from "../step.ts";

/**
 * Asks the tenant redirector that runs on a home whether it is connected. Opens no control connection of its own: that
 * would supersede the running one.
 */
export function controlStep(home: string): Step<undefined, void> {
  return {
    id: "control",
    title: "control connection",
    timeoutMs: 5_000,
    async check(_input, signal) {
      const status = await askLocal(home, { call: "status" }, "status", signal).then(
        (answer) => answer.status,
        (error: unknown) => {
          if (toDrawbridgeError(error).code === "unavailable") return undefined;
          throw error;
        },
      );
      if (status === undefined) {
        const text = "`drawbridge tenant run` is not running on this home: the tenant is offline";
        const remedy = "Start it; or it runs on another home or machine, then ask there.";
        return { outcome: "warning", text, remedy, details: { running: false }, value: undefined };
      }
      const { connection, pid, sessions } = status;
      if (connection.name === "disconnected") {
        const message = `\`drawbridge tenant run\` (process ${pid}) is not connected: ${connection.why}`;
        throw new DrawbridgeError("unavailable", message, {
          remedy: "It tries again by itself. The other steps show what is in its way; its log shows more.",
        });
      }
      const since = formatRelativeTime(new Date(connection.since), new Date());
      const text = `process ${pid} is connected at ${connection.address}, since ${since}; open sessions: ${sessions.length}`;
      return { outcome: "ok", text, details: { running: true, address: connection.address }, value: undefined };
    },
  };
}

/** Sees whether the kill switch is on. */
export function lockStep(home: string): Step<undefined, void> {
  return {
    id: "lock",
    title: "lock",
    timeoutMs: 5_000,
    async check() {
      const lock = await readLock(home);
      if (lock === undefined) return { outcome: "ok", text: "access is not locked", value: undefined };
      const text = `access is locked by ${lock.by} since ${lock.since}: nobody gets in`;
      return { outcome: "warning", text, remedy: "Unlock with `drawbridge tenant unlock`.", value: undefined };
    },
  };
}

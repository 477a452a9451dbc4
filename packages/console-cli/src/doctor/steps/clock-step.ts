import { formatDuration } from "../../rendering/index.ts";
import type { Step } from "../step.ts";
import type { Called } from "./grpc-step.ts";

/** Certificates are good from five minutes before their making; a clock that is further behind is refused fresh ones. */
const TOLERATED_MS = 60_000;

/** Compares this machine's clock with the provider's. */
export function clockStep(subject: string | undefined): Step<Called, void> {
  return {
    id: "clock",
    title: "clock",
    ...(subject !== undefined && { subject }),
    timeoutMs: 1_000,
    check({ clockAheadMs }) {
      if (clockAheadMs === undefined) {
        return Promise.resolve({ outcome: "skipped", text: "the provider does not tell its own", value: undefined });
      }
      const details = { clockAheadMs: Math.round(clockAheadMs) };
      const apart = Math.abs(clockAheadMs);
      if (apart <= TOLERATED_MS) {
        const text = `this machine's and the provider's differ by ${apart < 1_000 ? "less than a second" : formatDuration(apart)}`;
        return Promise.resolve({ outcome: "ok", text, details, value: undefined });
      }
      const which = clockAheadMs > 0 ? "ahead of" : "behind";
      const text = `this machine's clock is ${formatDuration(apart)} ${which} the provider's`;
      const remedy =
        "Set the clock that is wrong, best by NTP: certificates are judged by it, and hours in the policy too.";
      return Promise.resolve({ outcome: "warning", text, remedy, details, value: undefined });
    },
  };
}

import { DrawbridgeError } from "@drawbridge/dataplane";
import { EXIT } from "./exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A terminal and a launcher may both pass the same Ctrl-C on: what comes this soon after the first is the same one. */
const SAME_MS = 500;

/** Aborts on the first SIGINT, SIGTERM or SIGHUP; a later one ends the process at once. */
export function interruptSignal(): { signal: AbortSignal; release: () => void } {
  const abort = new AbortController();
  let firstAt: number | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    const now = performance.now();
    if (firstAt !== undefined && now - firstAt > SAME_MS) process.exit(EXIT.failed);
    firstAt ??= now;
    abort.abort(new DrawbridgeError("cancelled", `ended by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, onSignal);
  };
  return { signal: abort.signal, release };
}

import { isatty } from "node:tty";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { EXIT } from "./exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A terminal and a launcher may both pass the same Ctrl-C on: what comes this soon after the first is the same one. */
const SAME_MS = 500;

/** What interrupts a command. */
export interface Interrupt {
  /** Aborts on the first SIGINT, SIGTERM or SIGHUP; a later one ends the process at once. */
  readonly signal: AbortSignal;
  /** The second of them calls this instead; the third ends the process at once. */
  onSecond(handler: () => void): void;
  /** From now on SIGHUP calls this instead, unless it says that the command's terminal is gone. */
  onHangup(handler: () => void): void;
  /** From now on SIGINT is left to the program that has the terminal. */
  leaveInterrupts(): void;
  release(): void;
}

/** Listens for the signals that interrupt a command. */
export function interruptSignal(): Interrupt {
  const abort = new AbortController();
  const atTerminal = hasTerminal();
  let hangup: (() => void) | undefined;
  let second: (() => void) | undefined;
  let firstAt: number | undefined;
  let leavesInterrupts = false;
  const onSignal = (name: NodeJS.Signals): void => {
    if (name === "SIGINT" && leavesInterrupts) return;
    if (name === "SIGHUP" && hangup !== undefined && hasTerminal() === atTerminal) return hangup();
    const now = performance.now();
    if (firstAt !== undefined) {
      if (now - firstAt <= SAME_MS) return;
      if (second === undefined) process.exit(EXIT.failed);
      firstAt = now;
      second();
      second = undefined;
      return;
    }
    firstAt = now;
    abort.abort(new DrawbridgeError("cancelled", `ended by ${name}`));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, onSignal);
  };
  return {
    signal: abort.signal,
    onSecond: (handler) => void (second = handler),
    onHangup: (handler) => void (hangup = handler),
    leaveInterrupts: () => void (leavesInterrupts = true),
    release,
  };
}

/** A descriptor whose terminal was closed is a terminal no more. */
function hasTerminal(): boolean {
  return isatty(0) || isatty(2);
}

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { DrawbridgeError } from "@drawbridge/dataplane";

const KILL_AFTER_MS = 3_000;
/** What shells add to a signal's number. */
const SIGNALLED = 128;

/**
 * Runs a program of the operator's own with our standard input and outputs, without a shell.
 *
 * @param signal ends it: SIGTERM, then SIGKILL after 3 s
 * @returns its exit code; 128 and the signal's number where one ended it, as shells have it
 * @throws DrawbridgeError `internal` when it cannot be started
 */
export async function runProgram(file: string, args: readonly string[], signal: AbortSignal): Promise<number> {
  const child = spawn(file, args, { stdio: "inherit" });
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill("SIGTERM");
    timer ??= setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  };
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.on("error", (cause) => {
    if (child.pid === undefined) reject(cannotStart(file, cause));
  });
  child.once("exit", (code, name) => resolve(code ?? SIGNALLED + (name === null ? 0 : constants.signals[name])));
  signal.addEventListener("abort", end, { once: true });
  try {
    if (signal.aborted) end();
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

const cannotStart = (file: string, cause: Error): DrawbridgeError =>
  new DrawbridgeError("internal", `${file} cannot be started (${cause.message})`, {
    remedy: "Start it by hand to see what it lacks.",
    cause,
  });

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { isatty } from "node:tty";
import { DrawbridgeError, abortError } from "@drawbridge/dataplane";
import type { ClientCommand } from "./rdp-client.ts";

/** How a client's process is held. */
export interface LaunchOptions {
  /** Ends the client when aborted: SIGTERM, then SIGKILL. A client that does not end with itself is left alone. */
  readonly signal: AbortSignal;
  /** How long after SIGTERM the SIGKILL comes, in milliseconds. Default: 3,000. */
  readonly killAfterMs?: number;
  /** The client's environment variables. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** How a client's process ended: exactly one of the two is not null. */
export interface ClientExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A client's process that runs. */
export interface RunningClient {
  readonly pid: number;
  /** Resolves when the process is gone, however it ended. Never rejects. */
  readonly exited: Promise<ClientExit>;
}

const DEFAULT_KILL_AFTER_MS = 3_000;

/**
 * Starts an RDP client. All that it prints goes to our standard error, so that `--json` on standard output stays clean;
 * it reads our terminal, where there is one, because FreeRDP asks for a password there.
 *
 * @returns as soon as the process runs
 * @throws DrawbridgeError `internal` when it cannot be started, or the signal's reason
 */
export async function launch(command: ClientCommand, options: LaunchOptions): Promise<RunningClient> {
  if (options.signal.aborted) throw abortError(options.signal);
  const stdin = command.endsWithItself && isatty(0) ? "inherit" : "ignore";
  const child = spawn(command.file, command.args, {
    stdio: [stdin, 2, 2],
    env: options.env ?? process.env,
    // Out of the terminal's reach: Ctrl-C ends our session, not an app that may hold others.
    detached: !command.endsWithItself,
  });
  const exited = exitOf(child);
  const pid = await started(child, command.file);
  if (command.endsWithItself) killOnAbort(child, exited, options);
  else child.unref();
  return { pid, exited };
}

function started(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => {
      // A failure to send a signal arrives as an `error`, which would end this process if nobody listened.
      child.on("error", () => {});
      resolve(child.pid ?? 0);
    });
    child.once("error", (cause) => {
      reject(
        new DrawbridgeError("internal", `the RDP client ${file} cannot be started (${cause.message})`, {
          remedy: "Start it by hand to see what it lacks, or use --client none.",
          cause,
        }),
      );
    });
  });
}

const exitOf = (child: ChildProcess): Promise<ClientExit> =>
  new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));

function killOnAbort(child: ChildProcess, exited: Promise<ClientExit>, options: LaunchOptions): void {
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill("SIGTERM");
    timer = setTimeout(() => child.kill("SIGKILL"), options.killAfterMs ?? DEFAULT_KILL_AFTER_MS);
  };
  options.signal.addEventListener("abort", end, { once: true });
  if (options.signal.aborted) end();
  void exited.then(() => {
    options.signal.removeEventListener("abort", end);
    clearTimeout(timer);
  });
}

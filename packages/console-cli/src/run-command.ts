import type { HomeRole } from "./home.ts";
import { resolveHome } from "./home.ts";
import type { Log } from "@drawbridge/control/wire";
import { createLog, type LogOptions } from "./log.ts";
import { Output, reportError } from "./rendering/index.ts";
import { EXIT } from "./exit-codes.ts";
import { interruptSignal } from "./signals.ts";

/** The options that every command takes. */
export interface CommonOptions {
  home?: string | undefined;
  json?: true | undefined;
  verbose?: true | undefined;
  logFormat: LogOptions["format"];
  logLevel: LogOptions["level"];
}

/** What a command has to work with. */
export interface CommandContext {
  output: Output;
  log: Log;
  /** Fires on Ctrl-C, SIGTERM and SIGHUP, and when nobody reads standard output any more. */
  signal: AbortSignal;
  /** From now on SIGHUP calls this and interrupts no more, unless the command's terminal is gone. */
  onHangup: (handler: () => void) => void;
  /** The folder of a role's files. */
  home: (role: HomeRole) => string;
}

/**
 * Runs a command: gives it its surroundings, reports what it throws, and sets the process's exit code.
 *
 * A command that its own user ended is done: it exits 0.
 */
export async function runCommand(
  options: CommonOptions,
  command: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const output = new Output({ json: options.json ?? false });
  const interrupt = interruptSignal();
  const signal = AbortSignal.any([interrupt.signal, output.closed]);
  try {
    await command({
      output,
      signal,
      onHangup: (handler) => interrupt.onHangup(handler),
      log: createLog({ level: options.logLevel, format: options.logFormat }),
      home: (role) => resolveHome(options.home, process.env, process.platform, role),
    });
    process.exitCode = EXIT.done;
  } catch (error) {
    process.exitCode = signal.aborted ? EXIT.done : reportError(error, output, options.verbose ?? false);
  } finally {
    await output.flush();
    output[Symbol.dispose]();
    interrupt.release();
  }
}

import type { HomeRole } from "./home.ts";
import { resolveHome } from "./home.ts";
import { openTracer, type Tracer } from "@drawbridge/control/watching";
import type { Log } from "@drawbridge/control/wire";
import { createLog, type LogOptions } from "./log.ts";
import { Output, reportError } from "./rendering/index.ts";
import { EXIT } from "./exit-codes.ts";
import { ServiceNotifier } from "./sd-notify.ts";
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
  /** The second of these signals calls this; by itself it would end the process at once, as the third does. */
  onSecondSignal: (handler: () => void) => void;
  /** From now on SIGHUP calls this and interrupts no more, unless the command's terminal is gone. */
  onHangup: (handler: () => void) => void;
  /** From now on Ctrl-C is left to a program of the operator's that has the terminal. */
  leaveInterrupts: () => void;
  /** The folder of a role's files. */
  home: (role: HomeRole) => string;
  /** The tracer that the environment asks for; `service` names who records. Closed when the command is over. */
  tracer: (service: string) => Promise<Tracer>;
  /** Tells the service manager that started this command, if one did. That the command is stopping it hears by itself. */
  service: ServiceNotifier;
}

/**
 * Runs a command: gives it its surroundings, reports what it throws, and sets the process's exit code.
 *
 * A command that its own user ended is done: it exits 0.
 *
 * @param command may return another exit code than 0 (of {@link EXIT}, or that of a program that it ran), where it has
 *   told the reason itself
 */
export async function runCommand(
  options: CommonOptions,
  command: (context: CommandContext) => Promise<number | void>,
): Promise<void> {
  const output = new Output({ json: options.json ?? false });
  const interrupt = interruptSignal();
  const signal = AbortSignal.any([interrupt.signal, output.closed]);
  const log = createLog({ level: options.logLevel, format: options.logFormat });
  const service = ServiceNotifier.fromEnvironment(process.env, log);
  const stopping = (): void => service.stopping();
  let tracer: Tracer | undefined;
  signal.addEventListener("abort", stopping, { once: true });
  try {
    const exitCode = await command({
      output,
      signal,
      onSecondSignal: (handler) => interrupt.onSecond(handler),
      onHangup: (handler) => interrupt.onHangup(handler),
      leaveInterrupts: () => interrupt.leaveInterrupts(),
      log,
      service,
      tracer: async (name) => (tracer ??= await openTracer(name, process.env, log)),
      home: (role) => resolveHome(options.home, process.env, process.platform, role),
    });
    process.exitCode = exitCode ?? EXIT.done;
  } catch (error) {
    process.exitCode = signal.aborted ? EXIT.done : reportError(error, output, options.verbose ?? false);
  } finally {
    signal.removeEventListener("abort", stopping);
    await tracer?.close();
    await service.close();
    await output.flush();
    if (output.lost !== undefined) process.exitCode = reportError(output.lost, output, options.verbose ?? false);
    output[Symbol.dispose]();
    interrupt.release();
  }
}

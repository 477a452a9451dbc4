import { HELP, parseDemoArguments } from "./arguments.ts";
import { DemoFailure } from "./demo-failure.ts";
import { demonstrate } from "./demonstration.ts";
import { Screen } from "./screen.ts";

const LOG_LINES = 20;
const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Runs the demonstration and resolves to the exit code; signals end it in good order. */
async function main(argv: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  const screen = new Screen();
  const interrupt = () => interrupted.abort();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  // The script that started this one was killed: nobody will send a signal any more.
  process.on("disconnect", interrupt);
  try {
    const options = parseDemoArguments(argv);
    if (options.help) process.stdout.write(HELP);
    else await demonstrate(options, screen, interrupted.signal);
    return 0;
  } catch (error) {
    screen.endStatus();
    if (interrupted.signal.aborted) return 0;
    return report(error);
  } finally {
    if (interrupted.signal.aborted) screen.line("ended; nothing was left behind");
    for (const signal of SIGNALS) process.off(signal, interrupt);
    process.off("disconnect", interrupt);
  }
}

/** What failed, why, and what to do next in one line; below it the end of the failing program's output. */
function report(error: unknown): number {
  if (!(error instanceof DemoFailure)) {
    console.error("The demonstration failed:", error);
    return 5;
  }
  const remedy = error.remedy ?? (error.log ? "Its own words are below." : "");
  console.error(`The demonstration failed: ${error.message}. ${remedy}`.trimEnd());
  for (const line of (error.log ?? "").split("\n").slice(-LOG_LINES)) if (line) console.error(`  | ${line}`);
  return error.exitCode;
}

process.exitCode = await main(process.argv.slice(2));
// The tie to the script that started this one would keep the process alive.
if (process.connected) process.disconnect?.();

import { DrawbridgeError } from "@drawbridge/dataplane";
import { EXIT } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { Output, reportError } from "./rendering/index.ts";
import { AlreadyAnswered } from "./usage-error.ts";

// Help is written without an Output, and whoever reads it may have seen enough: `drawbridge --help | head`.
process.stdout.on("error", () => {});

/** Reads the command line, does what it says, and sets the exit code. */
export async function runCommandLine(): Promise<void> {
  try {
    await createProgram().parseAsync();
    // Everything is closed and written. Node's own way out can spin for ever on some handle that it counts as open still
    // (seen in node::Environment::CleanupHandles of 26.10.0, after a cloud redirector had carried links); this one cannot.
    process.exit();
  } catch (error) {
    if (error instanceof AlreadyAnswered) process.exitCode = error.isRight ? EXIT.done : EXIT.wrongUse;
    else if (error instanceof DrawbridgeError) await reportUsage(error);
    else throw error;
  }
}

/** A command line that could not be read has no options yet. */
async function reportUsage(error: DrawbridgeError): Promise<void> {
  const output = new Output({ json: process.argv.includes("--json") });
  process.exitCode = reportError(error, output, false);
  await output.flush();
  output[Symbol.dispose]();
}

import { DrawbridgeError } from "@drawbridge/dataplane";
import { EXIT } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { Output, reportError } from "./rendering/index.ts";
import { AlreadyAnswered } from "./usage-error.ts";

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof AlreadyAnswered) process.exitCode = error.isRight ? EXIT.done : EXIT.wrongUse;
  else if (error instanceof DrawbridgeError) await reportUsage(error);
  else throw error;
}

/** A command line that could not be read has no options yet. */
async function reportUsage(error: DrawbridgeError): Promise<void> {
  const output = new Output({ json: process.argv.includes("--json") });
  process.exitCode = reportError(error, output, false);
  await output.flush();
  output[Symbol.dispose]();
}

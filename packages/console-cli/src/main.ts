import { CommanderError } from "@commander-js/extra-typings";
import { EXIT } from "./exit-codes.ts";
import { createProgram } from "./program.ts";

/** What commander throws for a command line that asked for help or the version, and so is right. */
const ANSWERED = new Set(["commander.helpDisplayed", "commander.version"]);

try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = ANSWERED.has(error.code) ? EXIT.done : EXIT.wrongUse;
}

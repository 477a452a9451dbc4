/**
 * Runs command lines one after the other in one process, which is far faster than a process for each. To be started with a
 * JSON list of command lines on standard input; between them a line of {@link SEPARATOR} goes to both outputs.
 */
import { text } from "node:stream/consumers";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { createProgram } from "../../../packages/console-cli/src/program.ts";

/** Stands alone on a line after all that a command has printed, on standard output with its exit code before it. */
export const SEPARATOR = "=====";

if (import.meta.main) {
  for (const line of JSON.parse(await text(process.stdin)) as string[][]) {
    process.exitCode = undefined;
    try {
      await createProgram().parseAsync(line, { from: "user" });
    } catch (error) {
      process.stderr.write(`${error instanceof DrawbridgeError ? error.code : String(error)}\n`);
      process.exitCode = -1;
    }
    process.stdout.write(`${String(process.exitCode ?? "none")}\n${SEPARATOR}\n`);
    process.stderr.write(`${SEPARATOR}\n`);
  }
  process.exit(0);
}

import { expect } from "chai";

import { DrawbridgeProcess, runDrawbridge } from "../../scripts/demo/drawbridge.ts";
import type { DrawbridgeEvent, DrawbridgeOptions, DrawbridgeResult } from "../../scripts/demo/drawbridge.ts";

export { DrawbridgeProcess };
export type { DrawbridgeEvent, DrawbridgeOptions, DrawbridgeResult };

/** Runs a `drawbridge` command to its end as a child process. Dies with the test run. */
export const runCli = runDrawbridge;

/** Starts a long-running `drawbridge` command; end it with {@link stopCli} or `await using`. */
export const startCli = (args: readonly string[], options: DrawbridgeOptions): Promise<DrawbridgeProcess> =>
  DrawbridgeProcess.start(args, options);

/** As {@link runCli}, and asserts the exit code; 0 unless told. */
export async function expectCli(
  args: readonly string[],
  options: DrawbridgeOptions,
  exitCode = 0,
): Promise<DrawbridgeResult> {
  const result = await runCli(args, options);
  expect(result.code, `exit code of drawbridge ${args.join(" ")}\n${result.tail}`).to.equal(exitCode);
  return result;
}

/** Sends SIGTERM and asserts that the command ended by itself, with this exit code; 0 unless told. */
export async function stopCli(process: DrawbridgeProcess, exitCode = 0): Promise<void> {
  expectCleanExit(process, exitCode, await process.stop());
}

/** Asserts how a command ended. */
export function expectCleanExit(process: DrawbridgeProcess, exitCode = 0, exit = process.child.exit): void {
  expect(exit, `the end of ${process.child.name}\n${process.child.tail()}`).to.deep.equal({
    code: exitCode,
    signal: null,
  });
}

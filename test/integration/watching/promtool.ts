import { execFile } from "node:child_process";

/** Runs promtool with a text on standard input. Resolves to what it says, empty where it finds nothing wrong. */
export function promtool(args: readonly string[], input = ""): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = execFile("promtool", args, (error, stdout, stderr) => resolve(error === null ? "" : stdout + stderr));
  child.stdin?.end(input);
  return promise;
}

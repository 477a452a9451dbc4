import { fileURLToPath } from "node:url";

/** A program that, started with a channel to its parent, loads `worker-entry`. */
export interface WorkerProgram {
  readonly command: string;
  readonly args: readonly string[];
}

/** The one beside this file, which exists where this package was not bundled into something else. */
export function defaultWorkerProgram(): WorkerProgram {
  const entry = `./worker-entry${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`;
  return { command: process.execPath, args: [fileURLToPath(new URL(entry, import.meta.url))] };
}

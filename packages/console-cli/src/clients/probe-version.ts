import { execFile } from "node:child_process";
import type { ClientEnvironment } from "./client-environment.ts";

const PROBE_TIMEOUT_MS = 3_000;

/**
 * Asks a FreeRDP program for its version, within 3 seconds.
 *
 * @returns for example `2.11.7`; undefined where it does not say: xfreerdp 2.11.7 opens the display before it looks at
 * its arguments, and says nothing where none answers
 */
export function probeVersion(file: string, environment: ClientEnvironment): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = {
      env: { ...environment.variables },
      timeout: PROBE_TIMEOUT_MS,
      killSignal: "SIGKILL" as const,
      maxBuffer: 64 * 1024,
    };
    // The exit code is no guide: older versions print the version and exit with an error.
    const child = execFile(file, ["--version"], options, (_error, stdout) => resolve(parseVersion(stdout)));
    child.stdin?.end();
  });
}

/** Reads the version out of `This is FreeRDP version 3.15.0 (3.15.0)`. */
export const parseVersion = (text: string): string | undefined => /\bversion (\d+\.\d+[\w.-]*)/.exec(text)?.[1];

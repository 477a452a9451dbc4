import { findProgram } from "../../scripts/demo/desktop/programs.ts";

/** Why a program of somebody else's is not here. `npm test` passes on why its package could not be installed. */
function skipReason(programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return undefined;
  return process.env["DRAWBRIDGE_PACKAGES_SKIP_REASON"] ?? `These programs are missing: ${missing.join(" ")}.`;
}

/**
 * A suite that needs other people's programs (their packages stand in scripts/setup/debian-packages.json); where one is
 * missing it is reported as skipped, with the reason in its title.
 */
export function peerSuite(title: string, programs: readonly string[], body: () => void): void {
  const reason = skipReason(programs);
  if (reason !== undefined) describe.skip(`${title} (skipped: ${reason})`, body);
  else describe(title, body);
}

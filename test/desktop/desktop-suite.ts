import { missingPackages } from "../../scripts/demo/desktop/programs.ts";

/** Starting a chain and a desktop takes seconds, and other work may share the machine. */
const TIMEOUT_MS = 180_000;

/** Why there can be no desktop here, or undefined. `npm test` passes on why the packages could not be installed. */
function skipReason(): string | undefined {
  const missing = missingPackages();
  if (missing.length === 0) return undefined;
  return process.env["DRAWBRIDGE_PACKAGES_SKIP_REASON"] ?? `These packages are missing: ${missing.join(" ")}.`;
}

/** A suite that needs a real desktop; where there can be none it is reported as skipped, with the reason in its title. */
export function desktopSuite(title: string, body: () => void): void {
  const reason = skipReason();
  if (reason !== undefined) {
    describe.skip(`${title} (skipped: ${reason})`, body);
    return;
  }
  describe(title, function () {
    this.timeout(TIMEOUT_MS);
    body();
  });
}

import { availableParallelism } from "node:os";
import type { CloudSettings } from "./cloud-settings.ts";

/** Below so many cores `auto` means none: measured on 2 cores, see ARCHITECTURE.md, "Decisions". */
const LEAST_CORES = 4;
/** As many as `auto` starts at most: each takes about 40 MB. */
const MOST_BY_ITSELF = 8;

/**
 * How many data-plane workers the settings ask for on this machine. None on Windows, where Node cannot stop reading a
 * socket in time to hand it over.
 *
 * @param cores default: those that this process may use
 */
export function workerCount(
  { workers }: Pick<CloudSettings, "workers">,
  cores = availableParallelism(),
  platform = process.platform,
): number {
  if (platform === "win32") return 0;
  if (workers !== "auto") return workers;
  return cores < LEAST_CORES ? 0 : Math.min(cores - 1, MOST_BY_ITSELF);
}

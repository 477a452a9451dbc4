import { type Refusal, Rendezvous, SpliceWorkers, type WorkerProgram } from "@drawbridge/dataplane";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { CloudSettings } from "./cloud-settings.ts";

/** The worker processes that splice links. */
export interface CloudWorkers {
  /** 0: this process splices itself. */
  count: number;
  /** What is started as a worker. Default: the data plane's own entry, which a bundled program does not have. */
  program?: WorkerProgram;
}

/** What a data plane is assembled from. */
export interface DataPlaneSurroundings {
  settings: CloudSettings;
  workers: CloudWorkers;
  clock: WallClock;
  log: Log;
  onRefused: (refusal: Refusal) => void;
}

/** The rendezvous, and the workers that splice for it. The workers are not started yet. */
export interface DataPlane {
  rendezvous: Rendezvous;
  workers: SpliceWorkers;
}

/** Puts the data plane of a cloud redirector together, as its settings say. */
export function assembleDataPlane(surroundings: DataPlaneSurroundings): DataPlane {
  const { settings, clock, onRefused } = surroundings;
  const { limits, prefaceDeadline } = settings;
  const workers = assembleWorkers(surroundings);
  const rendezvous = new Rendezvous({
    clock,
    waitingPerTenant: limits.waitingLegsPerTenant,
    waitingPerAddress: limits.waitingLegsPerAddress,
    waitingInAll: limits.waitingLegs,
    linksInAll: limits.links,
    silentInAll: limits.silentSockets,
    silentPerAddress: limits.silentSocketsPerAddress,
    splicer: workers,
    prefaceTimeoutMs: prefaceDeadline,
    onRefused,
  });
  return { rendezvous, workers };
}

function assembleWorkers({ settings: { rates }, workers, clock, log }: DataPlaneSurroundings): SpliceWorkers {
  return new SpliceWorkers({
    ...workers,
    clock,
    rates: {
      perSession: rates.bytesPerSecondPerSession,
      perTenant: rates.bytesPerSecondPerTenant,
      inAll: rates.bytesPerSecondInAll,
    },
    onReady: ({ pid }) => log.info({ event: "worker-ready", worker: pid }, `worker ${pid} takes links`),
    onEnded: ({ pid, why, links, said, replacedAfterMs }) =>
      log.error(
        { event: "worker-ended", worker: pid, why, links, said, replacedAfterMs },
        `worker ${pid ?? ""} ${why}: ${links} links ended with it; the next starts in ${replacedAfterMs} ms`,
      ),
  });
}

import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Disturbances } from "./disturbances.ts";
import { LinkMaker } from "./link-maker.ts";
import { Operators } from "./operators.ts";
import { formatRows, soakRows, type TimedSample } from "./soak-report.ts";
import { FOLLOWED, type Sample, SoakWorld } from "./soak-world.ts";
import { Tally } from "./tally.ts";

const OPERATORS = 3;
const SAMPLE_MS = 15_000;
/** How long everything may take to be as at the beginning once nobody does anything any more. */
const SETTLE_MS = 90_000;

/**
 * Lets sessions and tenants come and go through every fault, for so many minutes; 120 unless told. Then everything has to
 * be as at the beginning. Each client rests between two links, for a second on average unless told: with none at all,
 * two cores have little left for anybody else in these hours.
 *
 * @returns the exit code: 5 for a leak, a wrong byte, a registry that lied or a process that crashed
 */
export async function soak(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "120" },
      rest: { type: "string", default: "1000" },
      out: { type: "string", default: "soak.json" },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new TypeError("--minutes is a number up to 1440");
  const restMs = Number(values.rest);
  if (!(restMs >= 0 && restMs <= 60_000)) throw new TypeError("--rest is a number of milliseconds up to 60000");
  const tally = new Tally();
  const world = await SoakWorld.start();
  const links = new LinkMaker(world.bench.target);
  const operators = new Operators({ world, links, tally, restMs });
  try {
    await warmUp(world, operators);
    const begin = await world.sample();
    console.log(`soaking for ${minutes} min; one line each ${SAMPLE_MS / 1_000} s`);
    const underLoad = await disturb(world, operators, tally, minutes * 60_000);
    const end = await settled(world, begin);
    const rows = soakRows(begin, underLoad, end);
    for (const { process, metric, isLeak } of rows) if (isLeak) tally.fault(`${process} leaks ${metric}`);
    console.log(`\n${formatRows(rows)}\n`);
    console.log(
      Object.entries(tally.counts)
        .sort()
        .map(([what, count]) => `${String(count).padStart(12)} ${what}`)
        .join("\n"),
    );
    const report = { minutes, rows, counts: tally.counts, faults: tally.faults, begin, underLoad, end };
    await writeFile(values.out, `${JSON.stringify(report, undefined, 1)}\n`);
  } finally {
    links.close();
    await world[Symbol.asyncDispose]();
  }
  for (const fault of tally.faults) console.log(`FAULT ${fault}`);
  console.log(tally.faults.length === 0 ? "nothing is amiss" : `${tally.faults.length} faults`);
  return tally.faults.length === 0 ? 0 : 5;
}

/** What is made on first use is there before anything is counted. */
async function warmUp(world: SoakWorld, operators: Operators): Promise<void> {
  const { signal } = new AbortController();
  for (let round = 0; round < 2; round += 1) {
    await Promise.all(world.tenants.map((tenant) => operators.session(tenant, 5_000, signal)));
  }
  await delay(5_000);
}

async function disturb(world: SoakWorld, operators: Operators, tally: Tally, forMs: number): Promise<TimedSample[]> {
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(forMs);
  const samples: TimedSample[] = [];
  const sampling = (async () => {
    while (!signal.aborted) {
      await delay(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
      // A frozen tenant does not answer.
      const sample = await Promise.race([world.sample(), delay(SAMPLE_MS)]);
      if (sample === undefined) continue;
      samples.push({ atMs: performance.now() - startedAt, sample });
      console.log(progress(performance.now() - startedAt, sample, tally));
    }
  })();
  await Promise.all([operators.work(OPERATORS, signal), new Disturbances(world, tally).work(signal), sampling]);
  return samples;
}

/** Looks until nothing is held that was not at the beginning, but no longer than {@link SETTLE_MS}. */
async function settled(world: SoakWorld, begin: Sample): Promise<Sample> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const now = await world.sample();
    const isSettled = FOLLOWED.every(
      (role) => now[role].descriptors <= begin[role].descriptors && now[role].timers <= begin[role].timers,
    );
    if (isSettled || performance.now() > deadline) return now;
    await delay(1_000);
  }
}

function progress(atMs: number, sample: Sample, { counts, faults }: Tally): string {
  const held = FOLLOWED.map((role) => {
    const { descriptors, timers, heapBytes } = sample[role];
    return `${role} ${descriptors} fd ${timers} timers ${(heapBytes / 1024 / 1024).toFixed(0)} MB`;
  });
  const done = `${counts["sessions"] ?? 0} sessions, ${counts["links"] ?? 0} links, ${faults.length} faults`;
  return `${(atMs / 60_000).toFixed(1).padStart(6)} min: ${held.join("; ")}; ${done}`;
}

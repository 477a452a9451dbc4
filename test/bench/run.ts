/**
 * `npm run bench [-- NAME …] [--rounds N] [--seconds S] [--dry]`: measures, prints, and writes docs/BENCHMARKS.md.
 * `npm run bench -- soak [--minutes N] [--out FILE]`: looks for leaks and wrong bytes instead.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Bench } from "./harness/bench.ts";
import { thisMachine } from "./harness/machine.ts";
import { publish, type Result } from "./harness/publish.ts";
import { barTable, measurementTable } from "./harness/tables.ts";

const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));

/** Every bench by its name: what it measures, and itself, loaded when it is run. Without a name all of them run. */
const BENCHES: Readonly<Record<string, readonly [what: string, load: () => Promise<Bench>]>> = {
  relay: [
    "CPU time and throughput of the cloud redirector and its peers",
    async () => (await import("./relay.ts")).relay,
  ],
  workers: ["what data-plane workers cost, and what they gain", async () => (await import("./workers.ts")).workers],
  "round-trip": [
    "how long a small message takes through each, alone and beside bulk transfers",
    async () => (await import("./round-trip.ts")).roundTripBench,
  ],
  chain: ["the whole chain with end-to-end TLS, beside ssh -R", async () => (await import("./chain.ts")).chain],
  tenants: [
    "what ten thousand idle tenants cost, and how long they take to come back",
    async () => (await import("./tenants.ts")).tenants,
  ],
  sessions: [
    "how long sessions and links take to set up beside them, and how many there can be",
    async () => (await import("./sessions.ts")).sessions,
  ],
  delay: ["the same over long ways", async () => (await import("./delay.ts")).delayed],
  "idle-links": ["the memory of an idle link", async () => (await import("./idle-links.ts")).idleLinks],
};

const help = (): string => `npm run bench -- [NAME …] [--rounds N] [--seconds S] [--dry]
npm run bench -- soak [--minutes N] [--rest MS] [--out FILE]

Measures, prints, and writes docs/BENCHMARKS.md. All of these, unless some are named:
${Object.entries(BENCHES)
  .map(([name, [what]]) => `  ${name.padEnd(12)} ${what}`)
  .join("\n")}
soak looks for leaks and wrong bytes instead, through every fault, and publishes nothing.

  --rounds N    how often each is measured (default: 5)
  --seconds S   how long each measurement lasts (default: 2)
  --dry         write nothing
  --minutes N   how long the soak takes (default: 120)
  --rest MS     how long each client of the soak rests between two links (default: 1000)
  --out FILE    where the soak's report goes (default: soak.json)`;

function readArguments(): { names: string[]; rounds: number; seconds: number; dry: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "2" },
      dry: { type: "boolean", default: false },
    },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  const unknown = positionals.filter((name) => !(name in BENCHES));
  if (unknown.length > 0)
    throw new TypeError(`there is no bench ${unknown.join(" ")}; ${Object.keys(BENCHES).join(", ")}`);
  if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError("--rounds takes a whole number from 1 on");
  if (!(seconds > 0)) throw new TypeError("--seconds takes a number above 0");
  return { names: positionals.length > 0 ? positionals : Object.keys(BENCHES), rounds, seconds, dry: values.dry };
}

async function run(): Promise<void> {
  const { names, rounds, seconds, dry } = readArguments();
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stop.abort(new Error(`the bench was stopped by ${signal}`)));
  }
  const machine = thisMachine();
  for (const name of names) {
    const bench = await BENCHES[name]?.[1]();
    if (bench === undefined) continue;
    const tell = (line: string): void => console.error(`${name}: ${line}`);
    const report = await bench({ rounds, seconds, signal: stop.signal, tell });
    console.log(`\n${report.title}\n\n${measurementTable(report.measurements)}\n`);
    if (report.bars.length > 0) console.log(`${barTable(report.bars)}\n`);
    const result: Result = { date: new Date().toISOString().slice(0, 10), rounds, seconds, machine, report };
    if (!dry) await publish(DOCS, { [name]: result });
  }
}

/** Tells nothing to publish, but whether all is well. */
async function soak(args: readonly string[]): Promise<void> {
  process.exitCode = await (await import("./soak/soak.ts")).soak(args);
}

try {
  const [name, ...args] = process.argv.slice(2);
  if (process.argv.includes("--help") || process.argv.includes("-h")) console.log(help());
  else await (name === "soak" ? soak(args) : run());
} catch (error) {
  const isMisuse = error instanceof TypeError;
  console.error(isMisuse ? `bench: ${error.message}` : error);
  process.exitCode = isMisuse ? 2 : 5;
}

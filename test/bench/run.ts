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

/** Every bench by its name; each is loaded when it is run. Without a name those run that have figures to publish. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  relay: async () => (await import("./relay.ts")).relay,
  "round-trip": async () => (await import("./round-trip.ts")).roundTripBench,
  chain: async () => (await import("./chain.ts")).chain,
  tenants: async () => (await import("./tenants.ts")).tenants,
  sessions: async () => (await import("./sessions.ts")).sessions,
  delay: async () => (await import("./delay.ts")).delayed,
  "idle-links": async () => (await import("./idle-links.ts")).idleLinks,
};

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
    const bench = await BENCHES[name]?.();
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
  await (name === "soak" ? soak(args) : run());
} catch (error) {
  const isMisuse = error instanceof TypeError;
  console.error(isMisuse ? `bench: ${error.message}` : error);
  process.exitCode = isMisuse ? 2 : 5;
}

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { barChart } from "./bar-chart.ts";
import type { Machine } from "./machine.ts";
import type { Report } from "./report.ts";
import { barTable, measurementTable } from "./tables.ts";

/** A report, and how it came about. */
export interface Result {
  /** The day, `2026-11-22`. */
  readonly date: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: Machine;
  readonly report: Report;
}

/** Results by the bench's name. */
export type Results = Readonly<Record<string, Result>>;

const CHARTS = "benchmarks";
const INTRODUCTION = `# Benchmarks

Made by \`npm run bench\`, which installs the peers from Debian, measures, and writes this file, the charts and
\`benchmarks.json\` with every sample. \`npm run bench -- NAME …\` runs some of them; \`--rounds N\` and \`--seconds S\` say how
thoroughly; \`--dry\` writes nothing. Everything runs on one machine over loopback, so the figures are good for comparing
what stands in one table, and for nothing else. Subjects take turns, round by round. The tables have the median of the
rounds, and the least and the greatest.
`;

/** Adds results to those in a folder, and renders all of them: \`benchmarks.json\`, \`BENCHMARKS.md\` and the charts. */
export async function publish(folder: string, fresh: Results): Promise<void> {
  const file = join(folder, "benchmarks.json");
  const results = { ...(await readResults(file)), ...fresh };
  await mkdir(join(folder, CHARTS), { recursive: true });
  await writeFormatted(file, JSON.stringify(results));
  for (const { report } of Object.values(results)) {
    for (const measurement of report.measurements) {
      await writeFile(join(folder, CHARTS, `${measurement.id}.svg`), barChart(measurement, isOurs));
    }
  }
  const text = [INTRODUCTION, ...Object.entries(results).map(([name, result]) => section(name, result))].join("\n");
  await writeFormatted(join(folder, "BENCHMARKS.md"), text);
}

/** As `npm run lint` wants it. */
async function writeFormatted(file: string, text: string): Promise<void> {
  const config = await resolveConfig(file);
  await writeFile(file, await format(text, { ...config, filepath: file }));
}

/** Our own subjects, told apart from peers in the charts. */
function isOurs(subject: string): boolean {
  return /redirector|drawbridge/i.test(subject);
}

async function readResults(file: string): Promise<Results> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

function section(name: string, { date, rounds, seconds, machine, report }: Result): string {
  const { processor, cores, memoryGiB, kernel, versions } = machine;
  const programs = Object.entries(versions).map(([program, version]) => `${program} ${version}`);
  const charts = report.measurements.map(({ id, title }) => `![${title}](${CHARTS}/${id}.svg)`);
  return [
    `## ${report.title}`,
    ...report.method,
    `\`npm run bench -- ${name}\`, ${date}: ${rounds} rounds of ${seconds} s; ${processor}, ${cores} cores, ${memoryGiB} GiB, ` +
      `${kernel}; ${programs.join(", ")}.`,
    measurementTable(report.measurements),
    ...(report.bars.length > 0 ? [barTable(report.bars)] : []),
    ...(report.limits ?? []),
    charts.join("\n"),
    "",
  ].join("\n\n");
}

/**
 * Prints the tables of metrics from the code as Markdown; with `--write` it puts them between the markers in
 * docs/WATCHING.md.
 *
 * Usage: node scripts/print-metrics.ts [--write]
 */
import { readFile, writeFile } from "node:fs/promises";
import { CLOUD_METRICS } from "@drawbridge/control/cloud";
import type { MetricDefinition, MetricDefinitions } from "@drawbridge/control/watching";
import { GATEWAY_METRICS } from "../packages/console-cli/src/commands/gateway-metrics.ts";

const FILE = new URL("../docs/WATCHING.md", import.meta.url);
const TABLES = { "cloud run": CLOUD_METRICS, "gateway run": GATEWAY_METRICS } as const;
/** More values than this are not listed: they are codes that stand elsewhere. */
const MOST_VALUES = 4;

const beginOf = (command: string): string =>
  `<!-- metrics of ${command}: made by \`node scripts/print-metrics.ts --write\` -->`;
const END = "<!-- end of metrics -->";

function labelOf({ label, values = [] }: MetricDefinition): string {
  if (label === undefined) return "";
  return values.length === 0 || values.length > MOST_VALUES ? `\`${label}\`` : `\`${label}\`: ${values.join(", ")}`;
}

/** The table of a set of metrics, in the form that prettier leaves alone. */
export function metricsTable(definitions: MetricDefinitions): string {
  const body = Object.entries(definitions).map(([name, definition]) => [
    `\`${name}\``,
    definition.kind,
    labelOf(definition),
    definition.help,
  ]);
  const rows = [["metric", "kind", "label", "meaning"], ...body];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(" | ")} |`;
  const [head = [], ...others] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("\n");
}

/** A document with the tables of now between its markers. @throws Error where it has no markers */
export function withMetrics(document: string): string {
  let text = document;
  for (const [command, definitions] of Object.entries(TABLES)) {
    const marker = beginOf(command);
    const begin = text.indexOf(marker);
    const end = text.indexOf(END, begin);
    if (begin < 0 || end < begin) throw new Error(`${FILE.pathname} has no markers for the metrics of ${command}`);
    text = `${text.slice(0, begin + marker.length)}\n\n${metricsTable(definitions)}\n\n${text.slice(end)}`;
  }
  return text;
}

if (import.meta.main) {
  if (process.argv.includes("--write")) await writeFile(FILE, withMetrics(await readFile(FILE, "utf8")));
  else for (const definitions of Object.values(TABLES)) console.log(metricsTable(definitions));
}

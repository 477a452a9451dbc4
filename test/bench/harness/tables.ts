import { formatFigure } from "./bar-chart.ts";
import { isMet, type Bar, type Measurement } from "./report.ts";
import { median, spread } from "./statistics.ts";

/** A Markdown table, its columns aligned so that it reads well as plain text too. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((head, column) =>
    Math.max(...[head, ...rows.map((row) => row[column] ?? "")].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** More columns than these cannot be read. */
const MOST_COLUMNS = 6;

/**
 * One row for each subject, one column for each measurement: the median, and the least and the greatest. With many
 * measurements the other way round.
 */
export function measurementTable(measurements: readonly Measurement[]): string {
  const subjects = [...new Set(measurements.flatMap(({ samples }) => Object.keys(samples)))];
  const cell = ({ samples }: Measurement, subject: string): string => {
    const values = samples[subject] ?? [];
    if (values.length === 0) return "–";
    const [least, most] = spread(values);
    return `${formatFigure(median(values))} (${formatFigure(least)} to ${formatFigure(most)})`;
  };
  const heads = measurements.map(({ title, unit }) => `${title}, ${unit}`);
  if (measurements.length > MOST_COLUMNS) {
    const row = (measurement: Measurement, index: number): string[] => [
      heads[index] ?? "",
      ...subjects.map((subject) => cell(measurement, subject)),
    ];
    return table(["", ...subjects], measurements.map(row));
  }
  return table(
    ["", ...heads],
    subjects.map((subject) => [subject, ...measurements.map((measurement) => cell(measurement, subject))]),
  );
}

/** The bars of a report: what was measured, what is asked for, and whether that was met. */
export function barTable(bars: readonly Bar[]): string {
  const row = (bar: Bar): string[] => [
    bar.what,
    `${formatFigure(bar.value)} ${bar.unit}`,
    `${bar.better === "lower" ? "≤" : "≥"} ${bar.limit}`,
    isMet(bar) ? "met" : `missed${bar.limitedBy === undefined ? "" : `: ${bar.limitedBy}`}`,
  ];
  return table(["bar", "measured", "asked for", ""], bars.map(row));
}

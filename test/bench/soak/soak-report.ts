import { FOLLOWED, type Sample } from "./soak-world.ts";

/** A sample and when it was taken, in milliseconds since the soak's beginning. */
export interface TimedSample {
  readonly atMs: number;
  readonly sample: Sample;
}

type Role = (typeof FOLLOWED)[number];
type Metric = "descriptors" | "timers" | "heapBytes" | "residentBytes";

/** What a process may hold more at the end than at the beginning: code that was compiled meanwhile, and fragmentation. */
const MAY_GROW: Record<Metric, number> = {
  descriptors: 0,
  timers: 0,
  heapBytes: 12 * 1024 * 1024,
  residentBytes: 128 * 1024 * 1024,
};

const METRICS = Object.keys(MAY_GROW) as Metric[];

/** One line of the table. */
export interface SoakRow {
  readonly process: Role;
  readonly metric: Metric;
  readonly begin: number;
  readonly middle: number;
  readonly end: number;
  /** By hour, over the second half of the samples under load (least squares). */
  readonly slopePerHour: number;
  readonly isLeak: boolean;
}

/**
 * What each followed process held at rest at the beginning and the end, and under load in between.
 *
 * @param underLoad in the order of their times
 */
export function soakRows(begin: Sample, underLoad: readonly TimedSample[], end: Sample): SoakRow[] {
  return FOLLOWED.flatMap((role) =>
    METRICS.map((metric) => {
      const series = underLoad.map(({ atMs, sample }) => ({ atMs, value: sample[role][metric] }));
      const [first, last] = [begin[role][metric], end[role][metric]];
      return {
        process: role,
        metric,
        begin: first,
        middle: median(series.map(({ value }) => value)),
        end: last,
        slopePerHour: slopePerHour(series.slice(series.length >> 1)),
        isLeak: last > first + MAY_GROW[metric],
      };
    }),
  );
}

/** The rows as a table for people; memory in MB. */
export function formatRows(rows: readonly SoakRow[]): string {
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index < 2 ? cell.padEnd(16) : cell.padStart(12))).join("");
  const shown = (metric: Metric, value: number): string =>
    metric.endsWith("Bytes") ? `${(value / 1024 / 1024).toFixed(1)} MB` : value.toFixed(value % 1 === 0 ? 0 : 1);
  return [
    line(["PROCESS", "HOLDS", "BEGIN", "MIDDLE", "END", "SLOPE/H", ""]),
    ...rows.map(({ process, metric, begin, middle, end, slopePerHour: slope, isLeak }) => {
      const figures = [begin, middle, end, slope].map((value) => shown(metric, value));
      return line([process, metric, ...figures, isLeak ? "LEAK" : ""]);
    }),
  ].join("\n");
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function slopePerHour(series: readonly { readonly atMs: number; readonly value: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const hours = series.map(({ atMs }) => atMs / 3_600_000);
  const values = series.map(({ value }) => value);
  const [meanHour, meanValue] = [mean(hours), mean(values)];
  const spread = hours.reduce((sum, hour) => sum + (hour - meanHour) ** 2, 0);
  const covariance = hours.reduce((sum, hour, i) => sum + (hour - meanHour) * ((values[i] ?? 0) - meanValue), 0);
  return spread === 0 ? 0 : covariance / spread;
}

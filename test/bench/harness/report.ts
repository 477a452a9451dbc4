import { median } from "./statistics.ts";

/** One figure, measured for each subject once a round. */
export interface Measurement {
  /** Names the chart's file: `cpu-1-stream`. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** By subject, in the order of the table. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** A bar of the project, and whether it was met. */
export interface Bar {
  readonly what: string;
  /** What was measured: a ratio, or a figure with its unit. */
  readonly value: number;
  readonly limit: number;
  readonly better: "lower" | "higher";
  readonly unit: string;
  /** What limits it, where it was not met. */
  readonly limitedBy?: string;
}

/** What a bench found out. */
export interface Report {
  readonly title: string;
  /** How it was measured, each a paragraph. */
  readonly method: readonly string[];
  readonly measurements: readonly Measurement[];
  readonly bars: readonly Bar[];
  /** What limits the figures, how that was found out, and what was tried, each a paragraph. */
  readonly limits?: readonly string[];
}

export function isMet({ value, limit, better }: Bar): boolean {
  return better === "lower" ? value <= limit : value >= limit;
}

/** The ratio of two subjects' medians. */
export function ratio(measurement: Measurement, subject: string, reference: string): number {
  return median(measurement.samples[subject] ?? []) / median(measurement.samples[reference] ?? []);
}

/** The median of what a subject has beyond a reference, each round's figures compared with each other. */
export function medianAdded({ samples }: Measurement, subject: string, reference: string): number {
  const base = samples[reference] ?? [];
  return median((samples[subject] ?? []).map((value, round) => value - (base[round] ?? Number.NaN)));
}

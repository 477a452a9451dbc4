import type { Report } from "./report.ts";

/** How thoroughly to measure. */
export interface BenchOptions {
  /** How often each subject is measured. */
  readonly rounds: number;
  /** How long one measurement takes, in seconds. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Says what is being done. */
  readonly tell: (line: string) => void;
}

/** One measurement of `npm run bench`. */
export type Bench = (options: BenchOptions) => Promise<Report>;

/**
 * Measures every subject once a round, in turns, so that what else the machine does meets all alike; each round begins
 * with another subject.
 */
export async function inRounds<Subject>(
  subjects: readonly Subject[],
  { rounds, signal }: Pick<BenchOptions, "rounds" | "signal">,
  measure: (subject: Subject, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < subjects.length; turn += 1) {
      signal.throwIfAborted();
      await measure(subjects[(round + turn) % subjects.length] as Subject, round);
    }
  }
}

/** Collects one figure of every subject: `add` in the rounds, `samples` for the report. */
export class Samples {
  readonly samples: Record<string, number[]> = {};

  /** @param subjects in the order of the table */
  constructor(subjects: readonly string[]) {
    for (const subject of subjects) this.samples[subject] = [];
  }

  add(subject: string, value: number): void {
    (this.samples[subject] ??= []).push(value);
  }
}

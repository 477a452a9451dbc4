import { counted } from "@drawbridge/control/wire";
import { EXIT, EXIT_CODES, type ExitCode } from "../exit-codes.ts";
import { nameOf } from "./examination.ts";
import type { StepOutcome, StepResult } from "./step.ts";

/** What an examination comes to. */
export interface Conclusion {
  readonly counts: Readonly<Record<StepOutcome, number>>;
  /** The first step that failed: what comes after it may only follow from it. */
  readonly first: StepResult | undefined;
  /** By the first failure; warnings are fine. */
  readonly exitCode: ExitCode;
}

/** Counts the steps and picks the failure that is worth a look. Pure. */
export function conclude(results: readonly StepResult[]): Conclusion {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  const first = results.find(({ outcome }) => outcome === "failed");
  const exitCode = first === undefined ? EXIT.done : first.code === undefined ? EXIT.failed : EXIT_CODES[first.code];
  return { counts, first, exitCode };
}

/** What people read at the end: one line of counts, or what failed first and what to do about it. */
export function conclusionText({ counts, first }: Conclusion): string {
  const { ok, warning, failed, skipped } = counts;
  const numbers = `${ok} ok, ${counted(warning, "warning")}, ${failed} failed, ${skipped} skipped.`;
  if (first === undefined) return warning === 0 ? `All is well: ${numbers}` : `It works, with warnings: ${numbers}`;
  const remedy = first.remedy === "" ? "Look at the logs of both ends." : first.remedy;
  return `${numbers}\nThe first that failed: ${nameOf(first)}: ${first.text}.\nWhat to do: ${remedy}`;
}

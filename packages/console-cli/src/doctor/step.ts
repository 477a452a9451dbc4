import type { ErrorCode } from "@drawbridge/dataplane";

/** How a step went. `skipped`: there was nothing to look at, or a step that it needs has failed. */
export type StepOutcome = "ok" | "warning" | "failed" | "skipped";

/** What a step found. One that fails throws a DrawbridgeError instead. */
export interface Finding<Value> {
  readonly outcome: Exclude<StepOutcome, "failed">;
  /** For people: what was found, in one line. */
  readonly text: string;
  /** For people: what to do about a warning. Default: nothing. */
  readonly remedy?: string;
  /** The same for programs. Default: nothing. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** For the steps that build upon this one. */
  readonly value: Value;
}

/** One thing that is looked at. */
export interface Step<Input, Value> {
  /** For programs: `dns`. */
  readonly id: string;
  /** For people: `DNS`. */
  readonly title: string;
  /** Which gateway or target it is about, where there are several. Default: none. */
  readonly subject?: string;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** @param input what the step found that this one builds upon. Errors: what is wrong, with what to do about it. */
  check(input: Input, signal: AbortSignal): Promise<Finding<Value>>;
}

/** A step that was done, or skipped, as it is reported. */
export interface StepResult {
  readonly step: string;
  readonly title: string;
  readonly subject: string | undefined;
  readonly outcome: StepOutcome;
  /** How long it took, in whole milliseconds. */
  readonly ms: number;
  readonly text: string;
  /** Empty where nothing is to be done. */
  readonly remedy: string;
  /** Of a step that failed. */
  readonly code: ErrorCode | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  /** What a step that failed threw; not for programs. */
  readonly error: unknown;
}

import type { Clock } from "@drawbridge/dataplane";
import { abortError, DrawbridgeError, systemClock, toDrawbridgeError } from "@drawbridge/dataplane";
import { withinTime } from "../within-time.ts";
import type { Finding, Step, StepResult } from "./step.ts";

/**
 * Where a step has left things for those that build upon it.
 *
 * - `passed`: it found a value
 * - `stopped`: it failed, or one before it did: the first to fail is named
 */
export type Ground<Value> =
  { readonly state: "passed"; readonly value: Value } | { readonly state: "stopped"; readonly by: string };

/** What a step builds upon that builds upon nothing. */
export const BEGINNING: Ground<undefined> = { state: "passed", value: undefined };

/** How an examination is run. */
export interface ExaminationOptions {
  /** Told before a step is done; not of one that is skipped. Must not throw. */
  readonly onBegin: (step: Pick<Step<never, unknown>, "title" | "subject">) => void;
  /** Told of each step, in order. Must not throw. */
  readonly onResult: (result: StepResult) => void;
  /** Ends the examination. */
  readonly signal: AbortSignal;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * Does steps one after another, each in its time, and skips those that build upon one that failed. Knows nothing of what
 * the steps look at.
 */
export class Examination {
  readonly #options: ExaminationOptions;
  readonly #clock: Clock;
  readonly #results: StepResult[] = [];

  constructor(options: ExaminationOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** The steps so far. */
  get results(): readonly StepResult[] {
    return this.#results;
  }

  /**
   * Does a step, unless what it builds upon was stopped.
   *
   * Errors: the signal's reason when the examination is ended, and nothing else: whatever a step throws is its result.
   */
  async run<Input, Value>(step: Step<Input, Value>, ground: Ground<Input>): Promise<Ground<Value>> {
    const { signal, onBegin } = this.#options;
    refuseAborted(signal);
    if (ground.state === "stopped") {
      const text = `not tried, since this failed: ${ground.by}`;
      this.#report(step, 0, { outcome: "skipped", text, value: undefined });
      return ground;
    }
    onBegin(step);
    const startedAt = this.#clock.now();
    try {
      const finding = await this.#inTime(step, ground.value);
      this.#report(step, this.#clock.now() - startedAt, finding);
      return { state: "passed", value: finding.value };
    } catch (error) {
      refuseAborted(signal);
      this.#reportFailure(step, this.#clock.now() - startedAt, toDrawbridgeError(error));
      return { state: "stopped", by: nameOf(step) };
    }
  }

  #inTime<Input, Value>(step: Step<Input, Value>, input: Input): Promise<Finding<Value>> {
    const check = (signal: AbortSignal): Promise<Finding<Value>> => step.check(input, signal);
    return withinTime(step.timeoutMs, late(step), this.#options.signal, check, this.#clock);
  }

  #report(step: Step<never, unknown>, ms: number, finding: Finding<unknown>): void {
    const { outcome, text, remedy = "", details = {} } = finding;
    this.#add({
      ...about(step),
      outcome,
      ms: Math.round(ms),
      text,
      remedy,
      code: undefined,
      details,
      error: undefined,
    });
  }

  #reportFailure(step: Step<never, unknown>, ms: number, error: DrawbridgeError): void {
    const { code, message, remedy } = error;
    this.#add({
      ...about(step),
      outcome: "failed",
      ms: Math.round(ms),
      text: message,
      remedy,
      code,
      details: {},
      error,
    });
  }

  #add(result: StepResult): void {
    this.#results.push(result);
    this.#options.onResult(result);
  }
}

function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

const about = ({ id, title, subject }: Step<never, unknown>) => ({ step: id, title, subject });

/** What people call a step: `TLS of bridge.example:8443`. */
export const nameOf = ({ title, subject }: { title: string; subject?: string | undefined }): string =>
  subject === undefined ? title : `${title} of ${subject}`;

function late({ timeoutMs }: Step<never, unknown>): DrawbridgeError {
  const seconds = Math.round(timeoutMs / 100) / 10;
  return new DrawbridgeError("handshake-timeout", `there was no answer within ${seconds} s`, {
    remedy: "Something on the way drops what is sent: a firewall, a proxy, or a line that is too slow.",
  });
}

/** The design's exit codes, as the demonstration uses them. */
export type FailureExitCode = 2 | 3 | 4 | 5;

/** What a {@link DemoFailure} says. */
export interface DemoFailureOptions {
  /** The process's exit code; 5 (failed in use) unless told. */
  readonly exitCode?: FailureExitCode;
  /** What a person can do next, as a sentence. */
  readonly remedy?: string;
  /** The end of the failing program's output. */
  readonly log?: string;
  readonly cause?: unknown;
}

/** A failure of the demonstration or of a test's surroundings, in words for people: the message says what failed and why. */
export class DemoFailure extends Error {
  readonly exitCode: FailureExitCode;
  readonly remedy: string | undefined;
  readonly log: string | undefined;

  constructor(message: string, options: DemoFailureOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "DemoFailure";
    this.exitCode = options.exitCode ?? 5;
    this.remedy = options.remedy;
    this.log = options.log;
  }
}

/** Maps a `drawbridge` command's exit code to the demonstration's own: the design's codes stay, all else is 5. */
export function failureExitCode(code: number | null): FailureExitCode {
  return code === 2 || code === 3 || code === 4 ? code : 5;
}

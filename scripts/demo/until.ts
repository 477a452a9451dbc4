import { setTimeout as delay } from "node:timers/promises";

import { DemoFailure } from "./demo-failure.ts";

/** How {@link until} waits. */
export interface UntilOptions {
  /** What is waited for, for the failure's text: "the first picture on display :1". */
  readonly what: string;
  /** Gives up after so many milliseconds; 30,000 unless told. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks; 50 unless told. */
  readonly intervalMs?: number;
  /** Ends the wait by throwing its reason. */
  readonly signal?: AbortSignal;
  /** The failing program's output, asked for when the time is over. */
  readonly log?: () => string;
}

/**
 * Looks again and again until `look` finds something, and resolves to it. For evidence that sends no event, such as
 * a pixel on a screen.
 *
 * @throws DemoFailure when the time is over; the signal's reason on abort; whatever `look` throws.
 */
export async function until<T>(look: () => Promise<T | undefined> | T | undefined, options: UntilOptions): Promise<T> {
  const { what, timeoutMs = 30_000, intervalMs = 50, signal, log } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new DemoFailure(`${what} did not come within ${timeoutMs / 1_000} s`, log ? { log: log() } : {});
    }
    await delay(intervalMs, undefined, signal ? { signal } : {});
  }
}

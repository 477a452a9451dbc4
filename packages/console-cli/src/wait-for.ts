import { type Clock, systemClock } from "@drawbridge/dataplane";

/** Resolves after so many milliseconds, or when the signal fires. */
export async function waitFor(ms: number, signal: AbortSignal, clock: Clock = systemClock): Promise<void> {
  if (signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const timer = clock.setTimer(ms, over.resolve);
  const onAbort = (): void => over.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await over.promise;
  timer.cancel();
  signal.removeEventListener("abort", onAbort);
}

import { abortError, type Clock, type DrawbridgeError, systemClock } from "@drawbridge/dataplane";

/**
 * Does something that has a time limit and can be given up.
 *
 * Errors: the work's own; `late` when the time is over first, and the signal's reason when it is given up: also where the
 * work does not react.
 */
export async function withinTime<Result>(
  timeoutMs: number,
  late: DrawbridgeError,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
  clock: Clock = systemClock,
): Promise<Result> {
  const over = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (error: DrawbridgeError): void => {
    over.abort(error);
    ended.reject(error);
  };
  const onAbort = (): void => end(abortError(signal));
  const timer = clock.setTimer(timeoutMs, () => end(late));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) throw abortError(signal);
    return await Promise.race([work(over.signal), ended.promise]);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

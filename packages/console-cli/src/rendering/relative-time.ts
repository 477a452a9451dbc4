import { formatDuration } from "./duration.ts";

/**
 * A time as seen from now, for people: `just now` within five seconds, then `3m12s ago` or `in 23h59m`.
 *
 * @param now the reader's clock
 */
export function formatRelativeTime(time: Date, now: Date): string {
  const distance = time.getTime() - now.getTime();
  if (Number.isNaN(distance)) return "unknown";
  if (Math.abs(distance) < 5_000) return "just now";
  return distance < 0 ? `${formatDuration(-distance)} ago` : `in ${formatDuration(distance)}`;
}

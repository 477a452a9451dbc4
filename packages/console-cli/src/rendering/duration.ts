/** The units of a duration, largest first, each with how many of the next it holds. */
const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "m", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;

/**
 * A duration for people, in its two largest units: `2d4h`, `1h05m`, `3m12s`, `12s`; below ten seconds with a decimal,
 * `1.4s`; below one second in milliseconds, `340ms`. Rounded down. A negative one counts as 0.
 *
 * @param ms the duration in milliseconds
 */
export function formatDuration(ms: number): string {
  const positive = Number.isFinite(ms) ? Math.max(0, Math.floor(ms)) : 0;
  if (positive < 1_000) return `${positive}ms`;
  if (positive < 10_000) return `${(Math.floor(positive / 100) / 10).toFixed(1).replace(/\.0$/, "")}s`;
  const first = UNITS.findIndex((unit) => positive >= unit.ms);
  const unit = UNITS[first];
  if (!unit) return `${positive}ms`;
  const next = UNITS[first + 1];
  const whole = Math.floor(positive / unit.ms);
  if (!next) return `${whole}${unit.name}`;
  const rest = Math.floor((positive % unit.ms) / next.ms);
  const digits = next.name === "h" ? String(rest) : String(rest).padStart(2, "0");
  return rest === 0 ? `${whole}${unit.name}` : `${whole}${unit.name}${digits}${next.name}`;
}

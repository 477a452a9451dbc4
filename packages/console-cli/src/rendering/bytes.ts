const UNITS = ["kB", "MB", "GB", "TB", "PB", "EB"] as const;

/**
 * A number of bytes for people, in powers of 1,000: `0 B`, `999 B`, `1.4 MB`, `23 GB`. One decimal below ten, none from
 * there on. Rounded down, so that a number never shows as more than it is.
 */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes);
  if (!(value >= 1_000)) return `${Math.max(0, Math.floor(value || 0))} B`;
  let unit = -1;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const text = value < 10 ? (Math.floor(value * 10) / 10).toFixed(1) : String(Math.floor(value));
  return `${text} ${UNITS[unit] ?? ""}`;
}

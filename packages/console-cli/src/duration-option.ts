import { InvalidArgumentError } from "@commander-js/extra-typings";

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a time such as `30m`, `24h` or `7d` as milliseconds. For commander: what is none is wrong use. */
export function parseDuration(text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new InvalidArgumentError("Write a number and s, m, h or d, for example 30m or 24h.");
  return Number(number) * factor;
}

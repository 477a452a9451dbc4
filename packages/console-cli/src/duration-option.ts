import { InvalidArgumentError } from "@commander-js/extra-typings";
import { parseDurationText } from "@drawbridge/control/wire";

/** Reads a time such as `30m`, `24h` or `7d` as milliseconds. For commander: what is none is wrong use. */
export function parseDuration(text: string): number {
  const ms = parseDurationText(text);
  if (ms === undefined) throw new InvalidArgumentError("Write a number and s, m, h or d, for example 30m or 24h.");
  return ms;
}

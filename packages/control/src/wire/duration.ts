import type { Duration } from "@bufbuild/protobuf/wkt";
import { z } from "zod";

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a time such as `500ms`, `30m`, `24h` or `7d` as milliseconds; undefined for any other text. */
export function parseDurationText(text: string): number | undefined {
  const [, number = "", unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return factor === undefined ? undefined : Number(number) * factor;
}

/** A settings field that is written as `30m` and read as milliseconds. */
export const durationSetting = z.string().transform((text, context) => {
  const ms = parseDurationText(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: `"${text}" is no time: write a number and ms, s, m, h or d` });
  return z.NEVER;
});

/** A duration of the contract in milliseconds; undefined where it is absent. */
export function durationMs(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

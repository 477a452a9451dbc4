import { DrawbridgeError } from "@drawbridge/dataplane";

const MAX_PAGE = 1_000;

/**
 * The size of a page that was asked for, or the default.
 * @throws DrawbridgeError `invalid-argument` unless it is a whole number from 1 to 1,000.
 */
export function pageLimit(limit: number | undefined, defaultLimit: number): number {
  const size = limit ?? defaultLimit;
  if (Number.isInteger(size) && size >= 1 && size <= MAX_PAGE) return size;
  throw new DrawbridgeError("invalid-argument", `a page cannot have ${size} records, only 1 to ${MAX_PAGE}`);
}

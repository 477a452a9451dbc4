import type { Clock } from "@drawbridge/dataplane";
import { systemClock } from "@drawbridge/dataplane";

/** A clock that also knows the date. Differences are taken from `now()`, which never jumps; dates are for records. */
export interface WallClock extends Clock {
  /** Milliseconds since the Unix epoch. */
  wallNow(): number;
}

/** The machine's clock. */
export const systemWallClock: WallClock = { ...systemClock, wallNow: () => Date.now() };

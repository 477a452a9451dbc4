export { parseDurationText } from "./duration.ts";
export type { Log } from "./log.ts";
export { SOFTWARE } from "./software.ts";
export { systemWallClock, type WallClock } from "./wall-clock.ts";

export { parseDurationText } from "./duration.ts";
export type { Log } from "./log.ts";
export { LEG_TRANSPORTS, loadNetworkSettings, saveNetworkSettings } from "./network-settings.ts";
export type { NetworkSettings } from "./network-settings.ts";
export { SOFTWARE } from "./software.ts";
export { systemWallClock, type WallClock } from "./wall-clock.ts";

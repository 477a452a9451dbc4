export { counted } from "./counted.ts";
export { parseDurationText } from "./duration.ts";
export { canonicalTarget } from "./free-target.ts";
export { openHomeReach, type HomeReach, type NetworkWish } from "./home-reach.ts";
export { type Log, noLog } from "./log.ts";
export { LEG_TRANSPORTS, loadNetworkSettings, saveNetworkSettings } from "./network-settings.ts";
export type { NetworkSettings } from "./network-settings.ts";
export {
  chooseNoProxy,
  chooseProxy,
  PASSWORD_VARIABLE,
  THE_HOME,
  type ChosenProxy,
  type Environment,
  type ProxyWish,
} from "./proxy-choice.ts";
export { SOFTWARE } from "./software.ts";
export { systemWallClock, type WallClock } from "./wall-clock.ts";

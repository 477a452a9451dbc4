import { z } from "zod";
import { durationSetting } from "../wire/duration.ts";
import type { KeepAlive } from "./keep-alive.ts";

/** Sooner than this, pings cost more than they tell; in milliseconds. */
const SHORTEST_MS = 500;
/** The rule that a dead peer is known within so many milliseconds. */
const KNOWN_WITHIN_MS = 20_000;

/**
 * A home's setting for how a dead peer is found, for example `{"interval": "10s", "timeout": "5s"}`; what is left out has
 * its default. Together they are at most 20 s.
 */
export const keepAliveSetting = (defaults: KeepAlive) =>
  z
    .strictObject({ interval: durationSetting.optional(), timeout: durationSetting.optional() })
    .transform(({ interval, timeout }): KeepAlive => ({
      intervalMs: interval ?? defaults.intervalMs,
      timeoutMs: timeout ?? defaults.timeoutMs,
    }))
    .refine(({ intervalMs, timeoutMs }) => Math.min(intervalMs, timeoutMs) >= SHORTEST_MS, {
      message: "interval and timeout are at least 500ms",
    })
    .refine(({ intervalMs, timeoutMs }) => intervalMs + timeoutMs <= KNOWN_WITHIN_MS, {
      message: "interval and timeout together are at most 20s, so that a dead peer is known by then",
    });

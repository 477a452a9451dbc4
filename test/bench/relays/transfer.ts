import { setTimeout as delay } from "node:timers/promises";
import { cpuSeconds, ownCpuSeconds } from "../harness/process-usage.ts";
import type { Relay } from "./relay.ts";
import type { TrafficPair } from "./traffic-pair.ts";

/** What a saturating transfer through a relay did. */
export interface Transfer {
  readonly gigabitsPerSecond: number;
  /** Of the relay's process; NaN where none counts. */
  readonly cpuSecondsPerGigabyte: number;
  /** The same without the process's children. */
  readonly ownCpuSecondsPerGigabyte: number;
}

/** How to transfer. */
export interface TransferOptions {
  readonly streams: number;
  readonly seconds: number;
  /** `down`: from the backend to the client, as a desktop's picture goes; `up`: the other way. Default `down`. */
  readonly direction?: "down" | "up";
}

/** Buffers and congestion windows grow before the measurement begins, in milliseconds. */
const WARM_UP_MS = 300;

/** Sends as fast as it goes through new paths of a relay, and measures. */
export async function transfer(pair: TrafficPair, relay: Relay, options: TransferOptions): Promise<Transfer> {
  const { streams, seconds, direction = "down" } = options;
  const [sender, receiver] = direction === "down" ? [pair.backend, pair.client] : [pair.client, pair.backend];
  await pair.connect(relay, direction === "down" ? "send" : "receive", streams);
  await sender.tell("send", { on: true });
  await delay(WARM_UP_MS);
  const before = { ...(await receiver.tell("received", {})), ...usage(relay) };
  await delay(seconds * 1000);
  const after = { ...(await receiver.tell("received", {})), ...usage(relay) };
  await pair.reset(relay);
  const bytes = after.bytes - before.bytes;
  return {
    gigabitsPerSecond: (bytes * 8) / (after.at - before.at) / 1e6,
    cpuSecondsPerGigabyte: (after.all - before.all) / (bytes / 1e9),
    ownCpuSecondsPerGigabyte: (after.own - before.own) / (bytes / 1e9),
  };
}

function usage({ pid }: Relay): { all: number; own: number } {
  if (pid === undefined) return { all: Number.NaN, own: Number.NaN };
  return { all: cpuSeconds(pid), own: ownCpuSeconds(pid) };
}

import type { Clock } from "@drawbridge/dataplane";
import { DrawbridgeError, systemClock } from "@drawbridge/dataplane";
import { connectivityState } from "@grpc/grpc-js";
import type { Channel } from "nice-grpc";

/** How a channel's connection is waited for. */
export interface ChannelConnectOptions {
  /** How long it may take, TLS included, in milliseconds. Default 10,000. */
  withinMs?: number;
  /** Gives up. */
  signal?: AbortSignal;
  /** Default: the machine's. */
  clock?: Clock;
}

const DEFAULT_WITHIN_MS = 10_000;

/**
 * Connects a channel. Resolves to `failed` where that failed at once: the next call on the channel then fails at once
 * too, and its error tells why.
 *
 * Errors: `unavailable` when no answer came in time, `cancelled`.
 *
 * @param address where the channel leads, for the texts.
 */
export async function connectChannel(
  channel: Channel,
  address: string,
  { withinMs = DEFAULT_WITHIN_MS, signal, clock = systemClock }: ChannelConnectOptions = {},
): Promise<"connected" | "failed"> {
  const over = Promise.withResolvers<never>();
  // Also rejected when nobody waits any more.
  over.promise.catch(() => {});
  const late = (): void => over.reject(silent(address, withinMs));
  const aborted = (): void => over.reject(new DrawbridgeError("cancelled", "the connection was given up"));
  const timer = clock.setTimer(withinMs, late);
  signal?.addEventListener("abort", aborted, { once: true });
  try {
    if (signal?.aborted === true) aborted();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return "connected";
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return "failed";
      await Promise.race([stateChange(channel, state), over.promise]);
    }
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", aborted);
  }
}

/** Resolves when the state is another one; the channel's end is a change too. */
function stateChange(channel: Channel, state: connectivityState): Promise<void> {
  return new Promise((resolve) => channel.watchConnectivityState(state, Infinity, () => resolve()));
}

function silent(address: string, withinMs: number): DrawbridgeError {
  return new DrawbridgeError("unavailable", `${address} did not answer within ${Math.round(withinMs / 1000)} s`, {
    remedy: "Check the address, the network and any firewall, and that the provider's server runs.",
  });
}

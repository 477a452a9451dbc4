import type { RoundTrips } from "../harness/traffic-commands.ts";
import type { Relay } from "./relay.ts";
import type { TrafficPair } from "./traffic-pair.ts";

/** How to measure round trips. */
export interface RoundTripOptions {
  readonly seconds: number;
  /**
   * Transfers that run beside, and the processes that make them. Default: none. Then the messages have pauses between
   * them: sent one right after another, most of them would fall into the moments when the transfers rest.
   */
  readonly bulk?: { readonly pair: TrafficPair; readonly streams: number };
}

const PAUSE_BESIDE_BULK_MS = 2;

/** The size of a message, in bytes: that of a key press or a movement of the mouse in RDP. */
export const MESSAGE_BYTES = 100;

/** Sends a message to and fro through a new path of a relay, again and again, and measures. */
export async function roundTrip(pair: TrafficPair, relay: Relay, options: RoundTripOptions): Promise<RoundTrips> {
  const { seconds, bulk } = options;
  if (bulk !== undefined) {
    await bulk.pair.connect(relay, "send", bulk.streams);
    await bulk.pair.backend.tell("send", { on: true });
  }
  await pair.connect(relay, "echo", 1);
  const measured = await pair.client.tell("ping", {
    bytes: MESSAGE_BYTES,
    seconds,
    pauseMs: bulk === undefined ? 0 : PAUSE_BESIDE_BULK_MS,
  });
  await pair.reset(relay);
  if (bulk !== undefined) await bulk.pair.reset(relay);
  return measured;
}

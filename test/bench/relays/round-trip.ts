import { inRounds, Samples, type BenchOptions } from "../harness/bench.ts";
import { median } from "../harness/statistics.ts";
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

/** How long one turn of {@link roundTripsInTurns} takes, in seconds. */
const TURN_SECONDS = 0.25;
/** How long each relay is used before the first round, in seconds. */
const WARM_UP_SECONDS = 1;

/** For the method's text: how {@link roundTripsInTurns} comes to its figures. */
export const TURNS_METHOD =
  `The relays take turns of ${TURN_SECONDS} s, each on a new path, until each has had its time: the machine is faster in one second ` +
  "than in the next, and which process runs on which core is settled anew with every path. A round's p50 and p99 are the " +
  `medians of its turns'. Before the first round each relay is used for ${WARM_UP_SECONDS} s, which is not counted: Node compiles ` +
  "what it has run for a while.";

/**
 * The same in so many rounds through several relays without anything beside, in short turns. Tells of each round and relay
 * the medians of what the turns brought.
 */
export async function roundTripsInTurns(
  pair: TrafficPair,
  relays: readonly Relay[],
  { rounds, seconds, signal, tell }: BenchOptions,
  take: (relay: Relay, trips: Pick<RoundTrips, "p50" | "p99">) => void,
): Promise<void> {
  const turns = Math.max(1, Math.round(seconds / TURN_SECONDS));
  await inRounds(relays, { rounds: 1, signal }, async (relay) => {
    await roundTrip(pair, relay, { seconds: WARM_UP_SECONDS });
  });
  for (let round = 0; round < rounds; round += 1) {
    const names = relays.map(({ name }) => name);
    const [p50s, p99s] = [new Samples(names), new Samples(names)];
    await inRounds(relays, { rounds: turns, signal }, async (relay) => {
      const turn = await roundTrip(pair, relay, { seconds: seconds / turns });
      p50s.add(relay.name, turn.p50);
      p99s.add(relay.name, turn.p99);
    });
    for (const relay of relays) {
      const middle = ({ samples }: Samples): number => median(samples[relay.name] ?? []);
      const [p50, p99] = [middle(p50s), middle(p99s)];
      take(relay, { p50, p99 });
      tell(`round ${round + 1} of ${rounds}: ${relay.name}: p50 ${p50.toFixed(0)} µs, p99 ${p99.toFixed(0)} µs`);
    }
  }
}

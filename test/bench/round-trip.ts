import { inRounds, Samples, type Bench } from "./harness/bench.ts";
import { medianAdded, ratio, type Bar, type Measurement, type Report } from "./harness/report.ts";
import { startRelays } from "./relays/all-relays.ts";
import { CLOUD } from "./relays/cloud-redirector.ts";
import { DIRECT } from "./relays/direct.ts";
import { SPLICING } from "./relays/haproxy.ts";
import type { RoundTrips } from "./harness/traffic-commands.ts";
import { MESSAGE_BYTES, roundTrip, roundTripsInTurns, TURNS_METHOD } from "./relays/round-trip.ts";
import { TrafficPair } from "./relays/traffic-pair.ts";

const BULK_STREAMS = 4;

const METHOD = [
  `A client sends ${MESSAGE_BYTES} bytes and waits for their echo, again and again; both ends are processes of their own. ` +
    "Each round gives one p50 and one p99; the tables show the medians of those.",
  TURNS_METHOD,
  `Beside bulk, ${BULK_STREAMS} saturating transfers go through the same relay, made by two more processes, and the client ` +
    "rests for 2 ms between two messages: sent one right after another, most would fall into the moments when the transfers " +
    "rest. Five processes then share the machine's cores, and the scheduler's part in p99 is large: compare, don't add.",
  "What a relay adds is its figure less that of no relay in the same round.",
];

/** How long a small message takes through the cloud redirector and its peers, alone and beside bulk transfers. */
export const roundTripBench: Bench = async (options) => {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await TrafficPair.start());
  const bulkPair = stack.use(await TrafficPair.start());
  const relays = await startRelays(stack, { ...pair.ports, send: bulkPair.ports.send });
  const names = relays.map(({ name }) => name);
  const alone = { p50: new Samples(names), p99: new Samples(names) };
  const beside = { p50: new Samples(names), p99: new Samples(names) };
  const add = (figures: Percentiles, name: string, { p50, p99 }: Pick<RoundTrips, "p50" | "p99">): void => {
    figures.p50.add(name, p50);
    figures.p99.add(name, p99);
  };
  await roundTripsInTurns(pair, relays, options, ({ name }, trips) => add(alone, name, trips));
  const { rounds, seconds, tell } = options;
  await inRounds(relays, options, async (relay, round) => {
    const trips = await roundTrip(pair, relay, { seconds, bulk: { pair: bulkPair, streams: BULK_STREAMS } });
    add(beside, relay.name, trips);
    const figures = `p50 ${trips.p50.toFixed(0)} µs, p99 ${trips.p99.toFixed(0)} µs`;
    tell(`round ${round + 1} of ${rounds}: ${relay.name}, beside ${BULK_STREAMS}: ${figures}`);
  });
  return report(alone, beside);
};

interface Percentiles {
  readonly p50: Samples;
  readonly p99: Samples;
}

function report(alone: Percentiles, beside: Percentiles): Report {
  const figure = (id: string, title: string, { samples }: Samples): Measurement => {
    return { id, title, unit: "µs", better: "lower", samples };
  };
  const measurements = [
    figure("round-trip-p50", "Round trip, p50", alone.p50),
    figure("round-trip-p99", "Round trip, p99", alone.p99),
    figure("round-trip-beside-bulk-p50", `Round trip beside ${BULK_STREAMS} bulk transfers, p50`, beside.p50),
    figure("round-trip-beside-bulk-p99", `Round trip beside ${BULK_STREAMS} bulk transfers, p99`, beside.p99),
  ] as const;
  const [p50, p99, , besideP99] = measurements;
  const unit = "× HAProxy, splicing";
  const added = (measurement: Measurement): Bar => ({
    what: `${measurement.title}, added`,
    value: medianAdded(measurement, CLOUD, DIRECT) / medianAdded(measurement, SPLICING, DIRECT),
    limit: 1.3,
    better: "lower",
    unit,
  });
  const beyond: Bar = {
    what: besideP99.title,
    value: ratio(besideP99, CLOUD, SPLICING),
    limit: 1.5,
    better: "lower",
    unit,
  };
  return { title: "Round trips", method: METHOD, measurements, bars: [added(p50), added(p99), beyond] };
}

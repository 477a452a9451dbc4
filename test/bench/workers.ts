import { setTimeout as delay } from "node:timers/promises";
import { whoAmI } from "@drawbridge/control/rpc";
import { inRounds, Samples, type Bench, type BenchOptions } from "./harness/bench.ts";
import type { Measurement, Report } from "./harness/report.ts";
import { quantile } from "./harness/statistics.ts";
import { CloudRedirectorRelay } from "./relays/cloud-redirector.ts";
import { roundTrip } from "./relays/round-trip.ts";
import { TrafficPair } from "./relays/traffic-pair.ts";
import { transfer } from "./relays/transfer.ts";

const SUBJECTS = [0, 1, 2].map((workers) => ({ workers, name: `cloud redirector, ${workers} workers` }));
const STREAMS = [1, 16] as const;
const BESIDE = [4, 16] as const;
/** So that a call falls into any moment of the transfers. */
const PAUSE_MS = 2;

const METHOD = [
  "The same cloud redirector with no, one and two data-plane workers (`workers` in settings.json). Transfers as for the relay, " +
    "the CPU time of main process and workers together; round trips of 100 bytes as in “Round trips”.",
  "The call is a unary one over gRPC (`WhoAmI`) by an operator whose connection stands, with a rest of 2 ms between two. Senders, " +
    "receivers and the caller share the machine's cores with the cloud redirector, so that on few cores more of its own " +
    "processes mean more waiting for a core.",
];

/** What data-plane workers cost and gain. */
export const workers: Bench = async (options) => {
  await using stack = new AsyncDisposableStack();
  const [pair, bulk] = [stack.use(await TrafficPair.start()), stack.use(await TrafficPair.start())];
  const relays: CloudRedirectorRelay[] = [];
  for (const subject of SUBJECTS)
    relays.push(stack.use(await CloudRedirectorRelay.start(subject.name, subject.workers)));
  const figures = new Figures(relays.map(({ name }) => name));
  await inRounds(relays, options, async (relay, round) => {
    options.tell(`round ${round + 1} of ${options.rounds}: ${relay.name}`);
    for (const streams of STREAMS) {
      const done = await transfer(pair, relay, { ...options, streams });
      const through = streams === 1 ? "1 stream" : `${streams} streams`;
      figures.add(`CPU time, ${through}`, "s/GB", relay.name, done.cpuSecondsPerGigabyte);
      figures.add(`CPU time of the main process, ${through}`, "s/GB", relay.name, done.ownCpuSecondsPerGigabyte);
      figures.add(`Throughput, ${through}`, "Gbit/s", relay.name, done.gigabitsPerSecond);
    }
    for (const streams of BESIDE) {
      const link = await roundTrip(pair, relay, { seconds: options.seconds, bulk: { pair: bulk, streams } });
      figures.add(`Round trip beside ${streams} transfers, p50`, "µs", relay.name, link.p50);
      figures.add(`Round trip beside ${streams} transfers, p99`, "µs", relay.name, link.p99);
      const call = await callsBeside(bulk, relay, streams, options);
      figures.add(`Call beside ${streams} transfers, p50`, "µs", relay.name, quantile(call, 0.5));
      figures.add(`Call beside ${streams} transfers, p99`, "µs", relay.name, quantile(call, 0.99));
    }
  });
  return { title: "Data-plane workers", method: METHOD, measurements: figures.measurements(), bars: [] };
};

/** How long calls take beside so many transfers, in microseconds each. */
async function callsBeside(
  bulk: TrafficPair,
  relay: CloudRedirectorRelay,
  streams: number,
  { seconds, signal }: BenchOptions,
): Promise<number[]> {
  await bulk.connect(relay, "send", streams);
  await bulk.backend.tell("send", { on: true });
  const took: number[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    const before = performance.now();
    await whoAmI(relay.channel, signal);
    took.push((performance.now() - before) * 1000);
    await delay(PAUSE_MS);
  }
  await bulk.reset(relay);
  return took;
}

/** Figures by what they are of, in the order in which they came. */
class Figures {
  readonly #names: readonly string[];
  readonly #by = new Map<string, { unit: string; samples: Samples }>();

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  add(title: string, unit: string, subject: string, value: number): void {
    const figure = this.#by.get(title) ?? { unit, samples: new Samples(this.#names) };
    this.#by.set(title, figure);
    figure.samples.add(subject, value);
  }

  measurements(): Report["measurements"] {
    return [...this.#by].map(([title, { unit, samples }]): Measurement => {
      const id = `workers-${title.toLowerCase().replace(/\W+/g, "-")}`;
      return { id, title, unit, better: unit === "Gbit/s" ? "higher" : "lower", samples: samples.samples };
    });
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { whoAmI } from "@drawbridge/control/rpc";
import { inRounds, Samples, type Bench, type BenchOptions } from "./harness/bench.ts";
import { CpuShare } from "./harness/cpu-share.ts";
import { processFamily } from "./harness/process-usage.ts";
import type { Measurement, Report } from "./harness/report.ts";
import { quantile } from "./harness/statistics.ts";
import { CloudRedirectorRelay } from "./relays/cloud-redirector.ts";
import { roundTrip } from "./relays/round-trip.ts";
import { TrafficPair } from "./relays/traffic-pair.ts";
import { transfer } from "./relays/transfer.ts";

const NUMBERS = [0, 1, 2] as const;
const STREAMS = [1, 16] as const;
const BESIDE = [4, 16] as const;
/** With shares of a core, more of them fit on the machine. */
const SHARED_NUMBERS = [0, 1, 2, 4] as const;
/** How much of a core each process of the cloud redirector gets then. */
const SHARE = 0.15;
const SHARED_STREAMS = 16;
/** So that a call falls into any moment of the transfers. */
const PAUSE_MS = 2;

const METHOD = [
  "The same cloud redirector with no, one and two data-plane workers (`workers` in settings.json). Transfers as for the relay, " +
    "the CPU time of main process and workers together; round trips of 100 bytes as in “Round trips”.",
  "The call is a unary one over gRPC (`WhoAmI`) by an operator whose connection stands, with a rest of 2 ms between two. Senders, " +
    "receivers and the caller share the machine's cores with the cloud redirector, so that on few cores more of its own " +
    "processes mean more waiting for a core.",
  `“With ${SHARE * 100} % of a core each”: the kernel gives each process of the cloud redirector, main process and workers, that share ` +
    "of a core and no more. So two fast cores play the many slow ones on which the cloud redirector, and not who sends and " +
    "receives, is what limits: what grows there with the workers grows on a machine with more cores.",
];

const LIMITS = [
  `With ${SHARE * 100} % of a core each, throughput grows with the workers: one takes the main process's place, two have 1.7 × ` +
    "and four 3.4 × its throughput. A call, which had to wait 58 ms in a main process that was busy with bytes, waits 8.",
  "On two cores as they are, workers save CPU time beside many transfers (0.9 and 0.8 × with 16) and gain throughput (1.1 and " +
    "1.4 ×), but a call beside 4 transfers has a p99 1.6 and 2 times as long: more processes wait for a core. With less than 4 " +
    "cores there are none, unless `workers` in settings.json says so.",
];

/** What data-plane workers cost and gain. */
export const workers: Bench = async (options) => {
  const figures = new Figures(SHARED_NUMBERS.map(nameOf));
  await withTheMachine(figures, options);
  await withShares(figures, options);
  return {
    title: "Data-plane workers",
    method: METHOD,
    measurements: figures.measurements(),
    bars: [],
    limits: LIMITS,
  };
};

const nameOf = (workers: number): string => `cloud redirector, ${workers} workers`;

/** Each may use all cores there are. */
async function withTheMachine(figures: Figures, options: BenchOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const [pair, bulk] = [stack.use(await TrafficPair.start()), stack.use(await TrafficPair.start())];
  const relays: CloudRedirectorRelay[] = [];
  for (const workers of NUMBERS) relays.push(stack.use(await CloudRedirectorRelay.start(nameOf(workers), workers)));
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
}

/** Each process has the same share of a core. */
async function withShares(figures: Figures, options: BenchOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await TrafficPair.start());
  const relays: CloudRedirectorRelay[] = [];
  for (const workers of SHARED_NUMBERS) {
    const relay = stack.use(await CloudRedirectorRelay.start(nameOf(workers), workers));
    try {
      for (const pid of processFamily(relay.pid)) stack.use(CpuShare.of(pid, SHARE));
    } catch (error) {
      options.tell(`leaves out what needs shares of a core: ${String(error)}`);
      return;
    }
    relays.push(relay);
  }
  await inRounds(relays, options, async (relay, round) => {
    const each = `with ${SHARE * 100} % of a core each`;
    const { gigabitsPerSecond } = await transfer(pair, relay, { ...options, streams: SHARED_STREAMS });
    figures.add(`Throughput, ${SHARED_STREAMS} streams, ${each}`, "Gbit/s", relay.name, gigabitsPerSecond);
    const call = quantile(await callsBeside(pair, relay, SHARED_STREAMS, options), 0.5);
    figures.add(`Call beside ${SHARED_STREAMS} transfers, p50, ${each}`, "µs", relay.name, call);
    const found = `${gigabitsPerSecond.toFixed(2)} Gbit/s, a call ${call.toFixed(0)} µs`;
    options.tell(`round ${round + 1} of ${options.rounds}: ${relay.name}, ${each}: ${found}`);
  });
}

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

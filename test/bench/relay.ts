import { inRounds, Samples, type Bench, type BenchOptions } from "./harness/bench.ts";
import { ratio, type Bar, type Measurement, type Report } from "./harness/report.ts";
import { startRelays } from "./relays/all-relays.ts";
import { CLOUD } from "./relays/cloud-redirector.ts";
import { SPLICING } from "./relays/haproxy.ts";
import { transfer } from "./relays/transfer.ts";
import { TrafficPair } from "./relays/traffic-pair.ts";

const STREAMS = [1, 16] as const;

const METHOD = [
  "A backend sends without end through the relay to a client; both are processes of their own. After a warm-up of 300 ms " +
    "the bytes that the client received and the CPU time of the relay's process (user and system, children included) are " +
    "read twice. One gigabyte is 10^9 bytes, counted once.",
  "The cloud redirector is a real `drawbridge cloud run` with default settings but for limits; its legs come from sessions " +
    "over gRPC, with prefaces and tokens. HAProxy and nginx run with their default number of threads or processes.",
];

/** CPU time for each gigabyte, and throughput, through the cloud redirector and its peers. */
export const relay: Bench = async (options) => {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await TrafficPair.start());
  const relays = await startRelays(stack, pair.ports);
  const names = relays.map(({ name }) => name);
  const figures = STREAMS.map((streams) => ({ streams, cpu: new Samples(names), speed: new Samples(names) }));
  await inRounds(relays, options, async (subject, round) => {
    for (const { streams, cpu, speed } of figures) {
      const { cpuSecondsPerGigabyte, gigabitsPerSecond } = await transfer(pair, subject, { ...options, streams });
      if (subject.pid !== undefined) cpu.add(subject.name, cpuSecondsPerGigabyte);
      speed.add(subject.name, gigabitsPerSecond);
      tell(options, round, `${subject.name}, ${streams}: ${gigabitsPerSecond.toFixed(1)} Gbit/s`);
    }
  });
  return report(figures);
};

function tell({ tell: say, rounds }: BenchOptions, round: number, what: string): void {
  say(`round ${round + 1} of ${rounds}: ${what}`);
}

function report(figures: readonly { streams: number; cpu: Samples; speed: Samples }[]): Report {
  const measurements: Measurement[] = [];
  const bars: Bar[] = [];
  for (const { streams, cpu, speed } of figures) {
    const through = streams === 1 ? "1 stream" : `${streams} streams`;
    const id = `${streams}-stream${streams === 1 ? "" : "s"}`;
    const cost: Measurement = {
      id: `cpu-${id}`,
      title: `CPU time, ${through}`,
      unit: "s/GB",
      better: "lower",
      samples: cpu.samples,
    };
    const throughput: Measurement = {
      id: `throughput-${id}`,
      title: `Throughput, ${through}`,
      unit: "Gbit/s",
      better: "higher",
      samples: speed.samples,
    };
    measurements.push(cost, throughput);
    const unit = "× HAProxy, splicing";
    bars.push(
      { what: cost.title, value: ratio(cost, CLOUD, SPLICING), limit: 1.1, better: "lower", unit },
      { what: throughput.title, value: ratio(throughput, CLOUD, SPLICING), limit: 1, better: "higher", unit },
    );
  }
  return { title: "The cloud redirector's data path", method: METHOD, measurements, bars };
}

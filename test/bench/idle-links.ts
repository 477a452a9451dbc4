import { setTimeout as delay } from "node:timers/promises";
import { inRounds, Samples, type Bench } from "./harness/bench.ts";
import { residentBytes } from "./harness/process-usage.ts";
import type { Measurement } from "./harness/report.ts";
import { median } from "./harness/statistics.ts";
import { CLOUD, CloudRedirectorRelay } from "./relays/cloud-redirector.ts";
import { startHaproxy } from "./relays/haproxy.ts";
import type { Relay } from "./relays/relay.ts";
import { TrafficPair } from "./relays/traffic-pair.ts";

const LINKS = 5_000;
/** Made together: fewer than the tokens' life allows. */
const BATCH = 250;
/** The process comes to rest before its memory is read, in milliseconds. */
const REST_MS = 3_000;

const METHOD = [
  `${LINKS.toLocaleString("en-US")} links are opened through a fresh process and left alone. The figure is how much its ` +
    `resident memory (VmRSS) grew, less what the first ${BATCH} links cost, divided by the links: so it holds two sockets ` +
    "for each link, the link itself and its share in the session, and what garbage is there.",
];

/** The memory of an idle link. */
export const idleLinks: Bench = async (options) => {
  const starters = [
    () => CloudRedirectorRelay.start(),
    (pair: TrafficPair): Promise<Relay> => startHaproxy(pair.ports),
  ] as const;
  const memory = new Samples([]);
  await inRounds(starters, options, async (start, round) => {
    await using pair = await TrafficPair.start();
    await using relay = await start(pair);
    const bytes = await bytesPerLink(pair, relay);
    memory.add(relay.name, bytes / 1024);
    options.tell(`round ${round + 1} of ${options.rounds}: ${relay.name}: ${(bytes / 1024).toFixed(1)} KiB a link`);
  });
  const measurement: Measurement = {
    id: "idle-link-memory",
    title: "Memory of an idle link",
    unit: "KiB",
    better: "lower",
    samples: memory.samples,
  };
  const value = median(memory.samples[CLOUD] ?? []);
  const bars = [{ what: measurement.title, value, limit: 24, better: "lower", unit: "KiB" } as const];
  return { title: "Idle links", method: METHOD, measurements: [measurement], bars };
};

async function bytesPerLink(pair: TrafficPair, relay: Relay): Promise<number> {
  const pid = relay.pid ?? 0;
  await pair.connect(relay, "receive", BATCH);
  await delay(REST_MS);
  const before = residentBytes(pid);
  for (let links = BATCH; links < LINKS; links += BATCH) await pair.connect(relay, "receive", BATCH);
  await delay(REST_MS);
  const after = residentBytes(pid);
  await pair.reset(relay);
  return (after - before) / (LINKS - BATCH);
}

import { setTimeout as delay } from "node:timers/promises";
import { FleetProvider } from "./fleet/fleet-provider.ts";
import { TenantFleet } from "./fleet/tenant-fleet.ts";
import { Samples, type Bench } from "./harness/bench.ts";
import { cpuSeconds, residentBytes } from "./harness/process-usage.ts";
import type { Bar, Measurement, Report } from "./harness/report.ts";
import { median } from "./harness/statistics.ts";

/** Fewer for a first look: the bars are for all of them. */
const TENANTS = Number(process.env["DRAWBRIDGE_BENCH_TENANTS"] ?? 10_000);
/** The process comes to rest before it is looked at, in milliseconds. */
const REST_MS = 15_000;
/** How long its CPU time is watched, in milliseconds: several keep-alives of every connection. */
const WATCH_MS = 30_000;
/** Nobody may stay away longer, in milliseconds. */
const BACK_MS = 180_000;

const SUBJECT = "cloud redirector";
const METHOD = [
  `${TENANTS.toLocaleString("en-US")} tenant redirectors, each with a key, a certificate and a control connection of its own, in ` +
    "processes of their own on the same machine. Each round kills the cloud redirector (SIGKILL), starts it again at once, and " +
    "counts from the kill until the last tenant is welcomed; one that stays away fails the bench.",
  `Then it is left alone for ${REST_MS / 1000} s, and its CPU time is taken over the next ${WATCH_MS / 1000} s: keep-alive both ` +
    "every 11 s, and nothing else. Memory is how much VmRSS has grown since it was started without any tenant, divided by their " +
    "number: the two sockets of TLS and HTTP/2, the stream, the registry's entry, and what garbage is there.",
  "The limits by address (handshakes, silent sockets) are raised, since all tenants share one address here. A process that " +
    "plays 2,500 machines dials for 32 of them at a time: it has one processor and not 2,500, and their handshakes would wait " +
    "for each other until they are too late and are made again.",
];
const LIMITS = [
  "What limits the memory is Node's TLS and HTTP/2: 85 KiB a connection in a server of Node's own that does nothing but mutual " +
    "TLS 1.3 and one HTTP/2 stream (3,000 of them, Node 26; 58 with Node 20). By heaptrack, what is asked for outside of " +
    "JavaScript's heap is 86 KB a tenant: 20 KB of input buffers of Node's TLS, 16 KB nghttp2's buffer for frames, 10 KB other " +
    "things of HTTP/2, 9 KB OpenSSL's record layers, 7 KB its connection, 6 KB the client's public key of ML-KEM-768, 7 KB the " +
    "client's certificate and the CA's that comes with it. By heap snapshots, JavaScript is 31 KiB a tenant, above all " +
    "nine generators that wait for each other (9), two sockets (6), HTTP/2's session and stream (6) and gRPC's call (5). The rest " +
    "is V8's room for new objects, 48 MB whatever the number of tenants.",
  "Left out by now: the copy of each client certificate that each call had, two of three interceptors, a timer a connection, " +
    "and tickets to resume sessions with. Not done: X25519 alone, which saves 6 to 17 KiB, since what is recorded today could be " +
    "read once there are quantum computers; leaving gRPC's libraries; and a room for new objects of 4 MB " +
    "(`--max-semi-space-size`, 4 KiB a tenant) or another threshold of glibc's (`MALLOC_MMAP_THRESHOLD_`, 7 KiB), which can be " +
    "set only before Node starts. OpenSSL gives Node no way to leave out the CA's certificate, which saves 4.",
  "What limits the return is CPU time, mostly of the tenants: about 4.6 ms each, and 2.2 ms of the cloud redirector's, both " +
    "nearly all handshake and set-up; two cores need 34 s for that, if they do nothing else. That was on a machine where all " +
    "were back after 29 s and idle tenants took 3.5 % of a core; `ssh -R` carried 1.5 × as much there as where these figures " +
    "come from.",
];

/** What ten thousand idle tenants cost, and how long they take to come back. */
export const tenants: Bench = async (options) => {
  const { rounds, signal, tell } = options;
  tell(`enrols ${TENANTS} tenants`);
  await using provider = await FleetProvider.create(TENANTS);
  await provider.run();
  await delay(2_000);
  const empty = residentBytes(provider.pid);
  tell(`starts with ${(empty / 1024 / 1024).toFixed(0)} MiB`);
  await using fleet = await TenantFleet.start({ identities: provider.tenants, target: "127.0.0.1:9" }, signal);
  const figures = { memory: new Samples([SUBJECT]), cpu: new Samples([SUBJECT]), back: new Samples([SUBJECT]) };
  for (let round = 0; round < rounds; round += 1) {
    const seconds = await restart(provider, fleet, signal);
    await delay(REST_MS, undefined, { signal });
    const before = cpuSeconds(provider.pid);
    await delay(WATCH_MS, undefined, { signal });
    const share = ((cpuSeconds(provider.pid) - before) / (WATCH_MS / 1000)) * 100;
    const bytes = (residentBytes(provider.pid) - empty) / fleet.size;
    figures.back.add(SUBJECT, seconds);
    figures.cpu.add(SUBJECT, share);
    figures.memory.add(SUBJECT, bytes / 1024);
    tell(
      `round ${round + 1} of ${rounds}: all back after ${seconds.toFixed(1)} s, ` +
        `${(bytes / 1024).toFixed(1)} KiB each, ${share.toFixed(1)} % of a core`,
    );
  }
  return report(figures);
};

async function restart(provider: FleetProvider, fleet: TenantFleet, signal: AbortSignal): Promise<number> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(BACK_MS)]);
  const back = fleet.connections(fleet.size, limit);
  const begun = performance.now();
  await provider.kill();
  await Promise.all([provider.run(), back]);
  return (performance.now() - begun) / 1000;
}

function report({ memory, cpu, back }: { memory: Samples; cpu: Samples; back: Samples }): Report {
  const figure = (id: string, title: string, unit: string, { samples }: Samples): Measurement => {
    return { id, title, unit, better: "lower", samples };
  };
  const measurements = [
    figure("tenant-memory", "Memory of an idle tenant", "KiB", memory),
    figure("tenants-idle-cpu", "CPU with all tenants idle", "% of a core", cpu),
    figure("tenants-back", "All tenants back after a kill", "s", back),
  ];
  const limits = [100, 5, 60];
  const bars = measurements.map(({ title, unit, samples }, index): Bar => {
    return { what: title, value: median(samples[SUBJECT] ?? []), limit: limits[index] ?? 0, better: "lower", unit };
  });
  return { title: "Idle tenants", method: METHOD, measurements, bars, limits: LIMITS };
}

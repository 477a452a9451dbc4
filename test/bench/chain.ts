import { inRounds, Samples, type Bench } from "./harness/bench.ts";
import { medianAdded, ratio, type Bar, type Measurement, type Report } from "./harness/report.ts";
import { direct, DIRECT } from "./relays/direct.ts";
import { IN_A_ROW, startProxiesInARow } from "./relays/in-a-row.ts";
import { roundTripsInTurns } from "./relays/round-trip.ts";
import { startSsh } from "./relays/ssh.ts";
import { transfer } from "./relays/transfer.ts";
import { TrafficPair } from "./relays/traffic-pair.ts";
import { startWholeChain } from "./relays/whole-chain.ts";

const SSH = "ssh -R";
const OURS = "Drawbridge, end to end";

const METHOD = [
  "The client dials the remote redirector's loopback listener; the target is a backend behind the tenant redirector. So the " +
    "bytes pass three processes, and are encrypted by the first and decrypted by the last. With `ssh -R` they pass two: " +
    "`ssh` at the tenant, and an `sshd` that the client dials; the server reads them. OpenSSH runs once with the cipher of " +
    "its own choice and once with AES-128-GCM.",
  `${IN_A_ROW}: as many processes as ours, each of which does as little as can be.`,
  "CPU time is that of the tenant's end: the tenant redirector, or `ssh`.",
  "Round trips are taken as in “Round trips”, in turns.",
];

const LIMITS = [
  "What limits the throughput is CPU time: all processes, both ends included, share the machine's cores. By `perf`, two " +
    "thirds of it are the kernel's in each of the three redirectors (copies, loopback's work on both sides of a write, " +
    "waking others), 8 to 12 % at either end AES-GCM, 5 % the copies of Node's TLS, and 2 to 3 % JavaScript. Who decrypts " +
    "used to make 61 writes a megabyte, one for each TLS record; now the records of a turn leave together, in 5.",
  "Tried without effect: AES-128 instead of AES-256 (0.22 s/GB either way in Node's crypto on a processor with AVX-512; " +
    "ChaCha20-Poly1305 0.35). What would help further: larger reads at the decrypting end, where Node reads 64 KiB and " +
    "16 KiB in turns, 24 times a megabyte, against 4 elsewhere; and TLS in the kernel, which Node does not offer.",
  "What limits the round trip is first the number of processes: a message wakes six on its way there and back, against " +
    `ssh's four. "${IN_A_ROW}" shows what six cost that do next to nothing: more than the bar lets them. Each of ours makes ` +
    "the system calls that a program in C makes (a read, a write, one or two waits), and by `perf` the kernel takes 81 % of the " +
    "cloud redirector's CPU time and 62 % of a TLS end's, above all for waking the next. The rest is 7 µs a message in the cloud " +
    "redirector and about 20 at a TLS end, Node's and OpenSSL's: the callbacks, the stream that is written to, the record; " +
    "no function of them has 1 %. Tried: to write past Node's streams, straight into TLS's native handle, which saved 2 to " +
    "4 %. To meet the bar, one of the three processes would have to be gone.",
];

/** The whole chain with end-to-end TLS, beside `ssh -R`. */
export const chain: Bench = async (options) => {
  await using stack = new AsyncDisposableStack();
  const pair = stack.use(await TrafficPair.start());
  const relays = [
    direct(pair.ports),
    stack.use(await startWholeChain(pair.ports)),
    stack.use(await startSsh(pair.ports, { name: SSH })),
    stack.use(await startSsh(pair.ports, { name: "ssh -R, AES-GCM", cipher: "aes128-gcm@openssh.com" })),
    stack.use(await startProxiesInARow(pair.ports)),
  ];
  const names = relays.map(({ name }) => name);
  const [down, up, cpu, p50] = [new Samples(names), new Samples(names), new Samples(names), new Samples(names)];
  await inRounds(relays, options, async (relay, round) => {
    const { seconds, rounds } = options;
    const towardsClient = await transfer(pair, relay, { streams: 1, seconds });
    const towardsTarget = await transfer(pair, relay, { streams: 1, seconds, direction: "up" });
    down.add(relay.name, towardsClient.gigabitsPerSecond);
    up.add(relay.name, towardsTarget.gigabitsPerSecond);
    if (relay.pid !== undefined) cpu.add(relay.name, towardsClient.cpuSecondsPerGigabyte);
    const speeds = `${towardsClient.gigabitsPerSecond.toFixed(2)} and ${towardsTarget.gigabitsPerSecond.toFixed(2)} Gbit/s`;
    options.tell(`round ${round + 1} of ${rounds}: ${relay.name}: ${speeds}`);
  });
  await roundTripsInTurns(pair, relays, options, ({ name }, trips) => p50.add(name, trips.p50));
  return report({ down, up, cpu, p50 });
};

function report(samples: Readonly<Record<"down" | "up" | "cpu" | "p50", Samples>>): Report {
  const down: Measurement = {
    id: "chain-throughput-down",
    title: "Throughput from the target to the client, 1 stream",
    unit: "Gbit/s",
    better: "higher",
    samples: samples.down.samples,
  };
  const up: Measurement = {
    id: "chain-throughput-up",
    title: "Throughput from the client to the target, 1 stream",
    unit: "Gbit/s",
    better: "higher",
    samples: samples.up.samples,
  };
  const cpu: Measurement = {
    id: "chain-cpu",
    title: "CPU time of the tenant's end, target to client",
    unit: "s/GB",
    better: "lower",
    samples: samples.cpu.samples,
  };
  const p50: Measurement = {
    id: "chain-round-trip-p50",
    title: "Round trip of 100 bytes, p50",
    unit: "µs",
    better: "lower",
    samples: samples.p50.samples,
  };
  const unit = `× ${SSH}`;
  const faster = (measurement: Measurement): Bar => {
    return {
      what: measurement.title,
      value: ratio(measurement, OURS, SSH),
      limit: 1.5,
      better: "higher",
      unit,
      limitedBy: "the bytes pass three processes and ssh's two, and all of them and both ends share the cores",
    };
  };
  const added: Bar = {
    what: `${p50.title}, added`,
    value: medianAdded(p50, OURS, DIRECT) / medianAdded(p50, SSH, DIRECT),
    limit: 1.2,
    better: "lower",
    unit,
    limitedBy: "a message wakes three processes each way and ssh's two; each does one read and one write for it",
  };
  const bars = [faster(down), faster(up), added];
  return { title: "The whole chain", method: METHOD, measurements: [down, up, cpu, p50], bars, limits: LIMITS };
}

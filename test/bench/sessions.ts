import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { BenchSession, startGreeter } from "./fleet/bench-operator.ts";
import { FleetProvider } from "./fleet/fleet-provider.ts";
import { TenantFleet } from "./fleet/tenant-fleet.ts";
import { Samples, type Bench, type BenchOptions } from "./harness/bench.ts";
import type { Bar, Measurement, Report } from "./harness/report.ts";
import { median, quantile } from "./harness/statistics.ts";

const TENANTS = Number(process.env["DRAWBRIDGE_BENCH_TENANTS"] ?? 2_000);
/** Sessions, and links of one session, whose set-up is timed in a round: enough for a p99. */
const TIMED = 300;
/** Not counted: connections, caches and the compiler warm up. */
const WARM_UP = 50;
/** Sessions that are set up at the same time where their number per second is counted. */
const AT_ONCE = 32;

const SUBJECT = "cloud redirector";
/** Of the figures that are published: what keeps them from being lower. */
const LIMITS = [
  "What limits a further link is CPU time. Of what it costs, two fifths are the operator's process's, a third is the tenant " +
    "redirector's and a quarter the cloud redirector's; and of the first two, about 40 % are the end-to-end handshake, which " +
    "takes 1.4 ms by itself, to the first byte that follows it. It is nearly all OpenSSL's: key shares of X25519 and " +
    "ML-KEM-768, 0.1 ms at each end, a signature with P-256, 0.02 ms, and two verifications, 0.05 ms each; the rest is " +
    "mostly the reading of certificates and keys. Next come dialling and closing sockets, by the kernel.",
  "Left out by now: Node's conversion of the certificate chain (0.1 ms), reading our own key and certificates each time. " +
    "Not done: to resume sessions, which would look at the peer less closely, and X25519 alone, whose links can be read " +
    "once there are quantum computers; either saves some tenths of a millisecond. A link made ahead needs the handshake only.",
  "The bars are times, and so bars for the machine too: on another one of this kind, where `ssh -R` carried 1.5 × as much, a " +
    "further link had a p50 of 3.1 ms and a new session one of 5.7.",
];
const METHOD = [
  `${TENANTS.toLocaleString("en-US")} tenants are connected, by processes of their own; the operator is one process with one ` +
    "gRPC connection, and each session goes to another tenant, whose policy allows it. The target says one byte to whoever " +
    "connects. All processes share the machine's cores.",
  `A new session: from the request until that byte has come through the session's first link, encrypted end to end; ${TIMED} ` +
    `one after another. A further link: the same, from the request of one more link of an open session; ${TIMED} one after another.`,
  `Sessions per second: ${AT_ONCE} at a time are opened and, once open, ended; those are counted that have ended in good order.`,
];

/** How long sessions and links take to set up while many tenants are connected, and how many sessions there can be. */
export const sessions: Bench = async (options) => {
  const { rounds, signal, tell } = options;
  tell(`enrols ${TENANTS} tenants`);
  await using greeter = await startGreeter();
  await using provider = await FleetProvider.create(TENANTS);
  await provider.run();
  const identity = await provider.enrolOperator("olga");
  const channel = provider.channel(identity);
  using stack = new DisposableStack();
  stack.defer(() => channel.close());
  await using fleet = await TenantFleet.start({ identities: provider.tenants, target: greeter.address }, signal);
  tell(`${fleet.size} are connected`);
  const operator = new Operator(identity, channel, provider.tenants, options);
  await operator.newSessions(WARM_UP);
  await operator.furtherLinks(WARM_UP);
  const figures = new Figures();
  for (let round = 0; round < rounds; round += 1) {
    const [fresh, further, perSecond] = [
      await operator.newSessions(TIMED),
      await operator.furtherLinks(TIMED),
      await operator.perSecond(),
    ];
    figures.add(fresh, further, perSecond);
    const times = (all: number[]): string => `${median(all).toFixed(1)} ms (p99 ${quantile(all, 0.99).toFixed(1)} ms)`;
    tell(
      `round ${round + 1} of ${rounds}: a session ${times(fresh)}, a link ${times(further)}, ${perSecond.toFixed(0)} sessions/s`,
    );
  }
  return figures.report();
};

class Operator {
  readonly #identity: EnrolledIdentity;
  readonly #channel: RpcChannel;
  readonly #tenants: readonly EnrolledIdentity[];
  readonly #options: BenchOptions;
  #turn = 0;

  constructor(
    identity: EnrolledIdentity,
    channel: RpcChannel,
    tenants: readonly EnrolledIdentity[],
    options: BenchOptions,
  ) {
    this.#identity = identity;
    this.#channel = channel;
    this.#tenants = tenants;
    this.#options = options;
  }

  /** Milliseconds of each. */
  async newSessions(count: number): Promise<number[]> {
    const { signal } = this.#options;
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const begun = performance.now();
      const session = await this.#open();
      await session.firstByte(signal);
      times.push(performance.now() - begun);
      await session.end();
    }
    return times;
  }

  /** Milliseconds of each. */
  async furtherLinks(count: number): Promise<number[]> {
    const { signal } = this.#options;
    const times: number[] = [];
    const session = await this.#open();
    await session.firstByte(signal);
    for (let index = 0; index < count; index += 1) {
      const begun = performance.now();
      await session.firstByte(signal);
      times.push(performance.now() - begun);
    }
    await session.end();
    return times;
  }

  async perSecond(): Promise<number> {
    const begun = performance.now();
    const until = begun + this.#options.seconds * 1000;
    let ended = 0;
    const work = async (): Promise<void> => {
      while (performance.now() < until) {
        await (await this.#open()).end();
        ended += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return ended / ((performance.now() - begun) / 1000);
  }

  #open(): Promise<BenchSession> {
    const { name } = this.#tenants[(this.#turn += 1) % this.#tenants.length] as EnrolledIdentity;
    return BenchSession.open(this.#identity, this.#channel, name, this.#options.signal);
  }
}

/** What is published of each round, with its bar. */
class Figures {
  readonly #rows = [
    {
      id: "session-p50",
      title: "A new session, p50",
      unit: "ms",
      better: "lower",
      limit: 15,
      samples: new Samples([]),
    },
    {
      id: "session-p99",
      title: "A new session, p99",
      unit: "ms",
      better: "lower",
      limit: 60,
      samples: new Samples([]),
    },
    { id: "link-p50", title: "A further link, p50", unit: "ms", better: "lower", limit: 4, samples: new Samples([]) },
    { id: "link-p99", title: "A further link, p99", unit: "ms", better: "lower", limit: 20, samples: new Samples([]) },
    {
      id: "sessions-per-second",
      title: "Sessions set up and ended",
      unit: "per second",
      better: "higher",
      limit: 200,
      samples: new Samples([]),
    },
  ] as const;

  add(fresh: number[], further: number[], perSecond: number): void {
    const values = [median(fresh), quantile(fresh, 0.99), median(further), quantile(further, 0.99), perSecond];
    for (const [index, { samples }] of this.#rows.entries()) samples.add(SUBJECT, values[index] ?? Number.NaN);
  }

  report(): Report {
    const measurements = this.#rows.map(({ samples: { samples }, limit: _, ...row }): Measurement => {
      return { ...row, samples };
    });
    const bars = this.#rows.map(({ title, unit, better, limit, samples }): Bar => {
      return { what: title, value: median(samples.samples[SUBJECT] ?? []), limit, better, unit };
    });
    return {
      title: `Sessions, while ${TENANTS.toLocaleString("en-US")} tenants are connected`,
      method: METHOD,
      measurements,
      bars,
      limits: LIMITS,
    };
  }
}

import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { BenchSession, startGreeter } from "./fleet/bench-operator.ts";
import { DelayProxy } from "./fleet/delay-proxy.ts";
import { FleetProvider } from "./fleet/fleet-provider.ts";
import { TenantFleet } from "./fleet/tenant-fleet.ts";
import { inRounds, Samples, type Bench } from "./harness/bench.ts";
import type { Measurement } from "./harness/report.ts";
import { median } from "./harness/statistics.ts";

/** The round trip between each redirector and the provider, in milliseconds. */
const ROUND_TRIP_MS = 50;
const TIMED = 10;

const AHEAD = "links ahead";
const NOT_AHEAD = "without";
const METHOD = [
  `Remote and tenant redirector are each ${ROUND_TRIP_MS} ms of round trip away from the cloud redirector, by a proxy that holds ` +
    "back what goes through it, and a new connection's first bytes for a round trip more. The target is beside the tenant " +
    "redirector and says one byte to whoever connects.",
  "Links ahead are those that are made before they are needed. Without them, the remote redirector asks for none.",
  `Each figure is the median of ${TIMED}, from the request until that byte has come; divided by ${ROUND_TRIP_MS} ms it is the ` +
    "number of round trips, of both ends together, with what the machines take on top.",
];

/** How long sessions and links take to set up over long ways. */
export const delayed: Bench = async (options) => {
  const { signal, tell } = options;
  await using greeter = await startGreeter();
  await using provider = await FleetProvider.create(2);
  await provider.run();
  const identity = await provider.enrolOperator("olga");
  await using tenantWay = await DelayProxy.start(provider.address, ROUND_TRIP_MS);
  await using remoteWay = await DelayProxy.start(provider.address, ROUND_TRIP_MS);
  const identities = provider.tenants.map((tenant) => ({ ...tenant, addresses: [tenantWay.address] }));
  await using fleet = await TenantFleet.start({ identities, target: greeter.address }, signal);
  tell(`${fleet.size} tenants are connected`);
  const channel = provider.channel(identity, remoteWay.address);
  using stack = new DisposableStack();
  stack.defer(() => channel.close());
  const open = (subject: string): Promise<BenchSession> => {
    const { name } = identities[subject === AHEAD ? 0 : 1] as EnrolledIdentity;
    return BenchSession.open(identity, channel, name, signal, subject === AHEAD ? 1 : 0);
  };
  const subjects = [NOT_AHEAD, AHEAD];
  const [session, link] = [new Samples(subjects), new Samples(subjects)];
  // A tenant redirector takes links ahead once it has seen a leg get through.
  for (const subject of subjects) await firstByteOf(await open(subject), signal);
  await inRounds(subjects, options, async (subject, round) => {
    const [fresh, further]: [number[], number[]] = [[], []];
    for (let index = 0; index < TIMED; index += 1) {
      const begun = performance.now();
      const opened = await open(subject);
      await opened.firstByte(signal);
      fresh.push(performance.now() - begun);
      // As a client does: it opens the next one a moment later.
      await new Promise((resolve) => setTimeout(resolve, 5 * ROUND_TRIP_MS));
      const again = performance.now();
      await opened.firstByte(signal);
      further.push(performance.now() - again);
      await opened.end();
    }
    session.add(subject, median(fresh));
    link.add(subject, median(further));
    tell(
      `round ${round + 1} of ${options.rounds}: ${subject}: a session ${median(fresh).toFixed(0)} ms, ` +
        `a link ${median(further).toFixed(0)} ms`,
    );
  });
  const figure = (id: string, title: string, { samples }: Samples): Measurement => {
    return { id, title, unit: "ms", better: "lower", samples };
  };
  const measurements = [
    figure("delayed-session", "A new session, to the target's first byte", session),
    figure("delayed-link", "A further link, to the target's first byte", link),
  ];
  return { title: `Set-up with ${ROUND_TRIP_MS} ms to each end`, method: METHOD, measurements, bars: [] };
};

async function firstByteOf(session: BenchSession, signal: AbortSignal): Promise<void> {
  await session.firstByte(signal);
  await session.end();
}

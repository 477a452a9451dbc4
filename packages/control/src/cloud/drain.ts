import { closeReason, type Clock } from "@drawbridge/dataplane";
import type { TenantPort } from "./ports.ts";
import type { SessionBroker } from "./session-broker.ts";
import type { TenantRegistry } from "./tenant-registry.ts";

/** A restart takes about this long, in milliseconds. */
const RESTART_MS = 1_000;
/** How many tenants are asked to connect in a second, here or elsewhere: a core manages about 300 handshakes. */
export const TENANTS_PER_SECOND = 200;
/** The longest that a tenant is told to stay away after a restart, in milliseconds. */
const LONGEST_WINDOW_MS = 5 * 60_000;

/** When one of so many tenants is to come back, in milliseconds: another time for each, spread out evenly. */
export function reconnectAfterMs(tenants: number, random: () => number = Math.random): number {
  const windowMs = Math.min(LONGEST_WINDOW_MS, (tenants / TENANTS_PER_SECOND) * 1_000);
  return Math.round(RESTART_MS + random() * Math.max(RESTART_MS, windowMs));
}

const STOPPING = closeReason("shutting-down", "the cloud redirector stops", "Connect again in a minute.");

/** What is drained. */
export interface Drained {
  broker: SessionBroker;
  registry: TenantRegistry;
  clock: Clock;
}

/**
 * Takes no new sessions, tells every operator, every tenant, those that come back meanwhile too, and resolves when the last session is
 * over, after `deadlineMs`, or when the signal fires.
 */
export async function drain(
  { broker, registry, clock }: Drained,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const until = clock.now() + deadlineMs;
  const told = new WeakSet<TenantPort>();
  const tell = (): void => {
    const online = registry.list({ state: "online" });
    for (const { presence } of online) {
      if (presence.name !== "online" || told.has(presence.port)) continue;
      told.add(presence.port);
      presence.port.drain(Math.max(0, until - clock.now()), reconnectAfterMs(online.length));
    }
  };
  const over = Promise.withResolvers<void>();
  const look = (): void => {
    if (broker.list().length === 0) over.resolve();
    // A tenant that has just come is welcomed first, in this same turn.
    queueMicrotask(tell);
  };
  broker.drain();
  for (const session of broker.list()) session.tellEnding(deadlineMs, STOPPING);
  tell();
  // Every change of a session touches its tenant.
  const unsubscribe = registry.subscribe(look);
  const deadline = clock.setTimer(deadlineMs, over.resolve);
  const aborted = (): void => over.resolve();
  signal?.addEventListener("abort", aborted, { once: true });
  look();
  if (signal?.aborted === true) aborted();
  await over.promise;
  signal?.removeEventListener("abort", aborted);
  deadline.cancel();
  unsubscribe();
}

import { type Clock, DrawbridgeError, type Timer } from "@drawbridge/dataplane";
import { TENANTS_PER_SECOND } from "./drain.ts";
import type { TenantPort } from "./ports.ts";
import type { TenantRegistry } from "./tenant-registry.ts";

/** Tenants are spread over so long at least, in milliseconds. */
const SHORTEST_WINDOW_MS = 1_000;
/** The part of the gateway's time in which all tenants are to be gone. */
const PART_OF_DRAIN = 0.8;
/** Gateways that drain at a time; more than any provider has. */
const MAX_GATEWAYS = 256;

/** When one of so many tenants is to move, in milliseconds: another time for each, spread out evenly. */
export function moveAfterMs(tenants: number, withinMs: number, random: () => number = Math.random): number {
  const windowMs = Math.max(SHORTEST_WINDOW_MS, (tenants / TENANTS_PER_SECOND) * 1_000);
  return Math.round(random() * Math.min(windowMs, withinMs * PART_OF_DRAIN));
}

/** Told why a stream cannot go on where it is, and that it may for so many milliseconds. Must not throw. */
export type OnGatewayStop = (why: DrawbridgeError, withinMs: number) => void;

/** What tenants are asked to leave a gateway with. */
export interface GatewayDrainsOptions {
  registry: TenantRegistry;
  clock: Clock;
  /** Told once of each gateway that begins to drain, with the tenants that are on it. Must not throw. */
  onDrain: (gateway: string, tenants: number, withinMs: number) => void;
}

/**
 * The gateways that are about to stop. Asks the tenants whose control connections came through one to go on through
 * another; also those that come while it drains, because their handshakes were under way. Ends the streams of who only
 * watches: a client goes on elsewhere by itself.
 */
export class GatewayDrains {
  readonly #options: GatewayDrainsOptions;
  /** When each one stops, and the timer that forgets it. */
  readonly #draining = new Map<string, { until: number; forget: Timer }>();
  /** Streams that want to know, by gateway. */
  readonly #streams = new Map<string, Set<OnGatewayStop>>();
  readonly #told = new WeakSet<TenantPort>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: GatewayDrainsOptions) {
    this.#options = options;
  }

  /** A gateway said that it stops within so many milliseconds. It says so again and again. */
  begin(gateway: string, withinMs: number): void {
    const { registry, clock, onDrain } = this.#options;
    if (this.#draining.has(gateway) || this.#draining.size >= MAX_GATEWAYS) return;
    const forget = clock.setTimer(withinMs, () => this.#forget(gateway));
    this.#draining.set(gateway, { until: clock.now() + withinMs, forget });
    // A tenant that has just come is welcomed first, in this same turn.
    this.#unsubscribe ??= registry.subscribe((name) => queueMicrotask(() => this.#tell([name], 1)));
    const names = registry.list({ state: "online" }).map(({ name }) => name);
    onDrain(gateway, names.filter((name) => this.#portOn(gateway, name) !== undefined).length, withinMs);
    this.#tell(names, names.length);
    for (const tell of this.#streams.get(gateway) ?? []) tell(stopping(), withinMs);
  }

  /**
   * Tells, once at most, that the gateway that a stream came through is about to stop. Returns the function that ends
   * this.
   */
  watch(gateway: string | undefined, tell: OnGatewayStop): () => void {
    if (gateway === undefined) return () => {};
    const until = this.#draining.get(gateway)?.until;
    if (until !== undefined) tell(stopping(), Math.max(0, until - this.#options.clock.now()));
    const streams = this.#streams.get(gateway) ?? new Set();
    this.#streams.set(gateway, streams.add(tell));
    return () => {
      streams.delete(tell);
      if (streams.size === 0 && this.#streams.get(gateway) === streams) this.#streams.delete(gateway);
    };
  }

  /** Forgets all. May be called twice. */
  stop(): void {
    for (const gateway of [...this.#draining.keys()]) this.#forget(gateway);
  }

  #tell(names: readonly string[], tenants: number): void {
    for (const name of names) {
      for (const [gateway, { until }] of this.#draining) {
        const port = this.#portOn(gateway, name);
        if (port === undefined || this.#told.has(port)) continue;
        this.#told.add(port);
        const withinMs = Math.max(0, until - this.#options.clock.now());
        port.move(withinMs, moveAfterMs(tenants, withinMs));
      }
    }
  }

  #portOn(gateway: string, tenant: string): TenantPort | undefined {
    const presence = this.#options.registry.get(tenant)?.presence;
    return presence?.name === "online" && presence.port.gateway === gateway ? presence.port : undefined;
  }

  #forget(gateway: string): void {
    this.#draining.get(gateway)?.forget.cancel();
    this.#draining.delete(gateway);
    if (this.#draining.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}

function stopping(): DrawbridgeError {
  return new DrawbridgeError("unavailable", "the gateway stops", { remedy: "Try again: another gateway answers." });
}

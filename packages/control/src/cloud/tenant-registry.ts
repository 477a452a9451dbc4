import type { TenantPort } from "./ports.ts";

/** What a tenant redirector said of itself and its machine. */
export interface TenantFacts {
  software: string;
  hostName: string;
  platform: string;
  /** The address that its control connection comes from. */
  sourceAddress: string;
  targets: readonly TenantTarget[];
  /** Whether its policy lets somebody reach free targets. Default false. */
  freeTargets?: boolean;
}

/** A target as announced; the address is for people. */
export interface TenantTarget {
  name: string;
  address: string;
}

/** What the store knows of a tenant. */
export interface EnrolledTenant {
  name: string;
  groups: readonly string[];
  /** SHA-256 of the enrolled public key, hexadecimal. */
  keyFingerprint: string;
}

/**
 * Whether a tenant can be reached.
 *
 * - `online`: its control connection is there, and `port` leads to it.
 * - `offline`: it is not; `since` is undefined for a tenant that was never online. `epoch` is the last one that was
 *   online, 0 for none since the start.
 */
export type Presence =
  | { name: "online"; since: number; epoch: bigint; port: TenantPort }
  | { name: "offline"; since: number | undefined; epoch: bigint };

/** A tenant in the registry. */
export interface RegisteredTenant extends EnrolledTenant {
  presence: Presence;
  /** As of the last time online. */
  facts: TenantFacts | undefined;
}

/** Which tenants are wanted; each field narrows further. */
export interface TenantFilter {
  /** Part of the name, any case. */
  nameContains?: string;
  /** In at least one of these groups. */
  groups?: readonly string[];
  state?: "online" | "offline";
}

/** Whether a tenant matches a filter. */
export function matchesFilter(tenant: RegisteredTenant, filter: TenantFilter): boolean {
  const { nameContains, groups, state } = filter;
  if (nameContains !== undefined && !tenant.name.includes(nameContains.toLowerCase())) return false;
  if (groups !== undefined && groups.length > 0 && !tenant.groups.some((group) => groups.includes(group))) return false;
  return state === undefined || tenant.presence.name === state;
}

/**
 * The tenant registry: every enrolled tenant, and whether it is online. Pure state.
 *
 * INVARIANT: of a tenant's control connections, the one with the highest epoch is the one that counts. News of an older
 * one, however late, changes nothing; so a half-dead connection that is cleaned up after its successor came cannot take
 * the successor away.
 */
export class TenantRegistry {
  readonly #tenants = new Map<string, RegisteredTenant>();
  readonly #listeners = new Set<(name: string) => void>();

  /** Adds a tenant, or takes over what the store says of it now. */
  enrolled(tenant: EnrolledTenant, lastKnown?: { facts: TenantFacts; lastSeen: number }): void {
    const known = this.#tenants.get(tenant.name);
    this.#tenants.set(tenant.name, {
      ...tenant,
      presence: known?.presence ?? { name: "offline", since: lastKnown?.lastSeen, epoch: 0n },
      facts: known?.facts ?? lastKnown?.facts,
    });
    this.#changed(tenant.name);
  }

  /** Takes a tenant out. */
  removed(name: string): void {
    if (this.#tenants.delete(name)) this.#changed(name);
  }

  /**
   * A control connection is there. Returns the port of the connection that it supersedes, if one was there.
   *
   * @returns `stale` when a newer connection is or was there already: this one has to go.
   */
  online(
    name: string,
    epoch: bigint,
    port: TenantPort,
    facts: TenantFacts,
    now: number,
  ): TenantPort | "stale" | undefined {
    const tenant = this.#tenants.get(name);
    if (tenant === undefined) return "stale";
    const { presence } = tenant;
    if (presence.epoch >= epoch) return "stale";
    tenant.presence = { name: "online", since: now, epoch, port };
    tenant.facts = facts;
    this.#changed(name);
    return presence.name === "online" ? presence.port : undefined;
  }

  /** The tenant's policy says another word on free targets. Does nothing when a newer control connection is there. */
  freeTargetsChanged(name: string, epoch: bigint, freeTargets: boolean): void {
    const tenant = this.#tenants.get(name);
    if (tenant?.facts === undefined || tenant.presence.name !== "online" || tenant.presence.epoch !== epoch) return;
    if ((tenant.facts.freeTargets ?? false) === freeTargets) return;
    tenant.facts = { ...tenant.facts, freeTargets };
    this.#changed(name);
  }

  /** A control connection is gone. Returns whether that was news: false when a newer one is there. */
  offline(name: string, epoch: bigint, now: number): boolean {
    const tenant = this.#tenants.get(name);
    if (tenant?.presence.name !== "online" || tenant.presence.epoch !== epoch) return false;
    tenant.presence = { name: "offline", since: now, epoch };
    this.#changed(name);
    return true;
  }

  /** Says that something outside the registry that watchers see of a tenant has changed: its open sessions. */
  touched(name: string): void {
    if (this.#tenants.has(name)) this.#changed(name);
  }

  get(name: string): RegisteredTenant | undefined {
    return this.#tenants.get(name);
  }

  /** The tenants that match, in the order of their names. */
  list(filter: TenantFilter = {}): RegisteredTenant[] {
    const matching = [...this.#tenants.values()].filter((tenant) => matchesFilter(tenant, filter));
    return matching.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Calls the listener with the name of each tenant that changes. Returns the function that ends it. */
  subscribe(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(name: string): void {
    for (const listener of this.#listeners) listener(name);
  }
}

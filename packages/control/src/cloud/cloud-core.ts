import type { CloseReason } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { Store, TenantRecord } from "../store/index.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { Administration } from "./administration.ts";
import type { ArrivalRate } from "./arrival-rate.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Enrollment } from "./enrollment.ts";
import type { GatewayDrains } from "./gateway-drains.ts";
import type { Log } from "../wire/log.ts";
import type { Metrics } from "./metrics/metrics-port.ts";
import type { RemotePort, SessionOperator, SessionPurpose, SessionRequest, TenantPort } from "./ports.ts";
import type { Session } from "./session.ts";
import type { SessionBroker } from "./session-broker.ts";
import type { TenantFacts, TenantRegistry } from "./tenant-registry.ts";
import type { TestLinks } from "./test-links.ts";

/** What a cloud core is made of. */
export interface CloudParts {
  provider: string;
  /** Where the provider is reached, told to all that connect; empty: where they know. */
  gateways: string[];
  arrivals: ArrivalRate;
  gatewayDrains: GatewayDrains;
  clock: WallClock;
  store: Store;
  registry: TenantRegistry;
  broker: SessionBroker;
  testLinks: TestLinks;
  administration: Administration;
  enrollment: Enrollment;
  audit: AuditLog;
  log: Log;
  metrics: Metrics;
  limits: CloudLimits;
  /** Fires when the cloud redirector stops. */
  stopping: AbortSignal;
}

/** Limits that services apply themselves. */
export interface CloudLimits {
  /** How long a stream may take to its first message, in milliseconds. */
  helloTimeoutMs: number;
}

/** What the services act on: the cloud redirector without its sockets. */
export class CloudCore {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  get provider(): string {
    return this.#parts.provider;
  }
  get gateways(): string[] {
    return this.#parts.gateways;
  }
  get clock(): WallClock {
    return this.#parts.clock;
  }
  get registry(): TenantRegistry {
    return this.#parts.registry;
  }
  get broker(): SessionBroker {
    return this.#parts.broker;
  }
  get testLinks(): TestLinks {
    return this.#parts.testLinks;
  }
  get administration(): Administration {
    return this.#parts.administration;
  }
  get enrollment(): Enrollment {
    return this.#parts.enrollment;
  }
  get audit(): AuditLog {
    return this.#parts.audit;
  }
  get gatewayDrains(): GatewayDrains {
    return this.#parts.gatewayDrains;
  }
  get limits(): CloudLimits {
    return this.#parts.limits;
  }
  get stopping(): AbortSignal {
    return this.#parts.stopping;
  }

  /** Ends a stream that would have gone on with `shutting-down`, so that its caller knows why. */
  refuseWhileStopping(): void {
    if (!this.#parts.stopping.aborted) return;
    throw new DrawbridgeError("shutting-down", "the cloud redirector stops", { remedy: "Try again in a minute." });
  }

  /** Reads the tenants from the store into the registry, and closes the books on sessions that a crash cut short. */
  async load(): Promise<void> {
    const { store, clock } = this.#parts;
    await store.sessions.endAbandoned(clock.wallNow(), "unavailable");
    for (const tenant of await store.principals.list("tenant")) {
      if (tenant.state === "active") this.enrolled(tenant);
    }
  }

  /** Takes a tenant's record into the registry. */
  enrolled(tenant: TenantRecord): void {
    const { name, groups, keyFingerprint, seen } = tenant;
    const lastKnown = seen && { facts: seen, lastSeen: seen.lastSeen };
    this.#parts.registry.enrolled({ name, groups, keyFingerprint }, lastKnown);
  }

  /**
   * A tenant's control connection has said hello. It supersedes an older one. Returns its epoch.
   *
   * Errors: `superseded` when a newer one is there already; `shutting-down` while the cloud redirector stops.
   *
   * @param held the sessions that the tenant redirector still holds.
   * @param welcome says so to the tenant, in the same turn in which the port can be found: nothing may go out before it.
   */
  async tenantConnected(
    tenant: string,
    port: TenantPort,
    facts: TenantFacts,
    held: readonly string[],
    welcome: (epoch: bigint) => void,
  ): Promise<bigint> {
    const { store, registry, clock, audit, log, stopping } = this.#parts;
    if (stopping.aborted) throw new DrawbridgeError("shutting-down", "the cloud redirector is shutting down");
    // Asked for together, so that they share a flush of the disk.
    const [number] = await Promise.all([
      store.principals.nextEpoch(tenant),
      store.principals.recordTenantSeen(tenant, { ...facts, lastSeen: clock.wallNow() }),
    ]);
    const epoch = BigInt(number);
    const superseded = registry.online(tenant, epoch, port, facts, clock.wallNow());
    if (superseded === "stale") throw new DrawbridgeError("superseded", `a newer connection of ${tenant} is there`);
    superseded?.goodbye({ code: "superseded", message: `another control connection of ${tenant} has taken over` });
    welcome(epoch);
    this.#parts.arrivals.add();
    this.#parts.metrics.tenantConnected();
    this.#tenantReturned(tenant, held, port);
    void audit.record("tenant-online", { tenant, details: { epoch: Number(epoch), source: facts.sourceAddress } });
    log.info({ event: "tenant-online", tenant, epoch: Number(epoch) }, `tenant ${tenant} is online`);
    return epoch;
  }

  /** Brings the sessions of a tenant that is (back) online in line with those that it still holds. */
  #tenantReturned(tenant: string, held: readonly string[], port: TenantPort): void {
    const unknown = this.#parts.broker.tenantReturned(tenant, held);
    for (const id of unknown) port.closeSession(id, { code: "session-not-found", message: `session ${id} is over` });
  }

  /** A tenant redirector stops, and with it its sessions. Does nothing when a newer control connection has taken over. */
  tenantSaidGoodbye(tenant: string, epoch: bigint, { message }: CloseReason): void {
    const { registry, broker } = this.#parts;
    if (registry.get(tenant)?.presence.epoch !== epoch) return;
    const reason = { code: "tenant-lost" as const, message: `tenant ${tenant} said goodbye: ${message}` };
    for (const session of broker.ofTenant(tenant)) session.end(reason);
  }

  /** A control connection is gone. Does nothing when a newer one has taken over. */
  async tenantDisconnected(tenant: string, epoch: bigint): Promise<void> {
    const { registry, broker, clock, audit, log } = this.#parts;
    if (!registry.offline(tenant, epoch, clock.wallNow())) return;
    broker.tenantLeft(tenant);
    log.info({ event: "tenant-offline", tenant, epoch: Number(epoch) }, `tenant ${tenant} is offline`);
    await audit.record("tenant-offline", { tenant, details: { epoch: Number(epoch) } });
  }

  /** Opens a session; see SessionBroker.open. A refusal is in the audit log too. */
  openSession(
    operator: SessionOperator,
    request: SessionRequest,
    remote: RemotePort,
    mayReach: (groups: readonly string[]) => boolean,
  ): Session {
    try {
      return this.#parts.broker.open(operator, request, remote, mayReach);
    } catch (error) {
      if (error instanceof DrawbridgeError) this.#refused(operator, request.purpose, error);
      throw error;
    }
  }

  #refused(operator: SessionOperator, { tenant, target, reason }: SessionPurpose, why: CloseReason): void {
    const { audit, log, metrics } = this.#parts;
    metrics.sessionRequested();
    metrics.sessionRefused(why);
    const details = { target, reason, source: operator.sourceAddress, code: why.code };
    void audit.record("session-refused", { operator: operator.name, tenant, details });
    const text = `${operator.name} may not reach ${tenant}: ${why.message}`;
    log.info({ event: "session-refused", operator: operator.name, tenant, code: why.code }, text);
  }
}

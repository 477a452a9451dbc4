import { randomBytes } from "node:crypto";
import { certificateFingerprint, certificateFromPem } from "../identity/index.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { Administration } from "./administration.ts";
import { ArrivalRate } from "./arrival-rate.ts";
import { AuditLog } from "./audit-log.ts";
import { CloudCore } from "./cloud-core.ts";
import type { CloudHome } from "./cloud-home.ts";
import { publicAddresses } from "./cloud-settings.ts";
import { Enrollment } from "./enrollment.ts";
import { GatewayDrains } from "./gateway-drains.ts";
import type { LinkPlaces } from "./ports.ts";
import type { Tracer } from "../watching/span.ts";
import type { Metrics } from "./metrics/metrics-port.ts";
import { RateLimit } from "./rate-limit.ts";
import { SessionBroker, type SessionObserver } from "./session-broker.ts";
import { SessionMeter } from "./session-meter.ts";
import { SessionRecorder } from "./session-recorder.ts";
import { TenantRegistry } from "./tenant-registry.ts";
import { TestLinks } from "./test-links.ts";

/** What a core is assembled from. */
export interface CoreSurroundings {
  home: CloudHome;
  log: Log;
  clock: WallClock;
  links: LinkPlaces;
  stopping: AbortSignal;
  metrics: Metrics;
  tracer: Tracer;
  /** Closes every connection that was made with a key. */
  disconnect: (keyFingerprint: string) => void;
}

/** The core, and what has to be written before the store closes. */
export interface AssembledCore {
  core: CloudCore;
  /** Resolves when the audit log and the session history are written. */
  flushed: () => Promise<void>;
}

/** 60 random bits: ids are not secrets, they only must not collide, also across restarts. */
const newId = (prefix: string): string => `${prefix}-${randomBytes(8).readBigUInt64BE().toString(36).slice(0, 12)}`;

const HELLO_TIMEOUT_MS = 5_000;

/** Puts the parts of the cloud redirector together that have no sockets. */
export function assembleCore(given: CoreSurroundings): AssembledCore {
  const testLinks = assembleTestLinks(given);
  const surroundings = { ...given, disconnect: cutOff(given, testLinks) };
  const { home, log, clock, stopping, metrics } = surroundings;
  const { store, authority, settings } = home;
  const audit = new AuditLog(store, clock, (err, event) => {
    metrics.auditFailed();
    log.error({ event: "audit-failed", err }, `the audit record ${event} could not be written`);
  });
  const recorder = new SessionRecorder(store, audit, clock, log, metrics);
  const observer = tellAll([recorder, new SessionMeter(metrics, clock)]);
  const registry = new TenantRegistry();
  const broker = assembleBroker(surroundings, registry, observer);
  const core: CloudCore = new CloudCore({
    provider: authority.provider,
    gateways: settings.gateways,
    arrivals: assembleArrivals(surroundings, registry),
    gatewayDrains: assembleGatewayDrains(surroundings, registry),
    clock,
    store,
    registry,
    broker,
    testLinks,
    audit,
    log,
    metrics,
    stopping,
    limits: { helloTimeoutMs: HELLO_TIMEOUT_MS },
    administration: assembleAdministration(surroundings, audit, registry, broker),
    enrollment: assembleEnrollment(surroundings, audit, (tenant) => core.enrolled(tenant)),
  });
  const flushed = async (): Promise<void> => {
    await recorder.flushed();
    await audit.flushed();
  };
  return { core, flushed };
}

function assembleArrivals({ clock, log, stopping }: CoreSurroundings, registry: TenantRegistry): ArrivalRate {
  const arrivals = new ArrivalRate(clock, (perSecond) => {
    const online = registry.list({ state: "online" }).length;
    log.info(
      { event: "connections", perSecond, online },
      `${perSecond} tenants came in a second; ${online} are online`,
    );
  });
  stopping.addEventListener("abort", () => arrivals.stop(), { once: true });
  return arrivals;
}

function assembleGatewayDrains({ clock, log }: CoreSurroundings, registry: TenantRegistry): GatewayDrains {
  const onDrain = (gateway: string, tenants: number, withinMs: number): void => {
    const text = `a gateway stops; its tenants, ${tenants} now, are asked to go on through another`;
    log.info({ event: "gateway-draining", gateway, tenants, withinMs }, text);
  };
  return new GatewayDrains({ registry, clock, onDrain });
}

function assembleBroker(
  { home, clock, links, tracer }: CoreSurroundings,
  registry: TenantRegistry,
  observer: SessionObserver,
): SessionBroker {
  const { limits, sessions } = home.settings;
  const options = {
    registry,
    links,
    clock,
    newId,
    maxLinksPerSession: limits.linksPerSession,
    maxSessionsPerOperator: limits.sessionsPerOperator,
    maxSessionsPerTenant: limits.sessionsPerTenant,
    maxSessions: limits.sessions,
    timeLimits: { longestMs: sessions.longest, idleMs: sessions.idle },
    reasonRequired: sessions.reasonRequired,
    freeTargets: sessions.freeTargets,
    tracer,
  };
  return new SessionBroker(options, observer);
}

/** One observer that tells several, in order. */
function tellAll(observers: readonly SessionObserver[]): SessionObserver {
  const each = (tell: (observer: SessionObserver) => void): void => observers.forEach(tell);
  return {
    started: (...what) => each((observer) => observer.started(...what)),
    consentAsked: (...what) => each((observer) => observer.consentAsked(...what)),
    opened: (...what) => each((observer) => observer.opened(...what)),
    ended: (...what) => each((observer) => observer.ended(...what)),
    link: (...what) => each((observer) => observer.link(...what)),
  };
}

function assembleTestLinks({ clock, links }: CoreSurroundings): TestLinks {
  return new TestLinks({
    links,
    newLinkId: () => newId("l"),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  });
}

/** Closes every connection that was made with a key, and its test link. */
const cutOff =
  ({ disconnect }: CoreSurroundings, testLinks: TestLinks) =>
  (keyFingerprint: string): void => {
    testLinks.cutOff(keyFingerprint);
    disconnect(keyFingerprint);
  };

function assembleAdministration(
  { home, clock, disconnect }: CoreSurroundings,
  audit: AuditLog,
  registry: TenantRegistry,
  broker: SessionBroker,
): Administration {
  const { store, authority, settings } = home;
  return new Administration({
    store,
    audit,
    clock,
    addresses: publicAddresses(settings),
    caFingerprint: certificateFingerprint(authority.certificateDer),
    broker,
    registry,
    disconnect,
  });
}

function assembleEnrollment(
  { home, clock, metrics, disconnect }: CoreSurroundings,
  audit: AuditLog,
  onTenant: CloudCore["enrolled"],
): Enrollment {
  const { store, authority, otherAuthorities, settings } = home;
  const { enrollmentsPerAddressPerMinute: perKey, enrollmentsPerMinute: inAll } = settings.limits;
  return new Enrollment({
    authority,
    otherAuthorities: otherAuthorities.map(certificateFromPem),
    store,
    audit,
    clock,
    certificateLifeMs: settings.certificateLife,
    rate: new RateLimit({ perKey, inAll }),
    onEnrolled: (principal, replacedKey) => {
      metrics.enrolled(principal.kind);
      if (replacedKey !== undefined && replacedKey !== principal.keyFingerprint) disconnect(replacedKey);
      if (principal.kind === "tenant") onTenant(principal);
    },
  });
}

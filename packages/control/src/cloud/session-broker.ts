import type { CloseReason } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { counted } from "../wire/counted.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { LinkNews, LinkPlaces, RemotePort, SessionOperator, SessionRequest } from "./ports.ts";
import { NO_TRACER, type Tracer } from "../watching/span.ts";
import { Session } from "./session.ts";
import { SessionIndex } from "./session-index.ts";
import { checkTarget, type FreeTargetRight } from "./target-choice.ts";
import type { TimeLimits } from "./time-box.ts";
import type { TenantRegistry } from "./tenant-registry.ts";

/** How a broker treats its sessions. */
export interface SessionBrokerOptions {
  registry: TenantRegistry;
  links: LinkPlaces;
  clock: WallClock;
  /** Makes an id that no other session or link has. */
  newId: (prefix: "s" | "l") => string;
  /** Where legs are dialled; empty for the address at which each peer reached the control plane. Default empty. */
  rendezvousAddress?: string;
  /** How long a tenant redirector may take to answer an offer, in milliseconds. Default 10,000. */
  answerWithinMs?: number;
  /** How long a tenant may ask a person, in milliseconds. Default 60,000. */
  consentWithinMs?: number;
  /** Links of one session at a time. Default 64. */
  maxLinksPerSession?: number;
  /** Sessions of one operator at a time. Default 64. */
  maxSessionsPerOperator?: number;
  /** Sessions to one tenant at a time. Default 64. */
  maxSessionsPerTenant?: number;
  /** Sessions in all. Default 10,000. */
  maxSessions?: number;
  /** The provider's own limits on the time of every session. Default: none. */
  timeLimits?: TimeLimits;
  /** Whether a session needs a reason. Default false. */
  reasonRequired?: boolean;
  /** Which operators may ask for free targets. Default: all that may open sessions. */
  freeTargets?: FreeTargetRight;
  /** Where sessions are traced. Default: nowhere. */
  tracer?: Tracer;
}

/** Told of what sessions and their links do, for the audit log, the log and the metrics. Must not throw. */
export interface SessionObserver {
  started(session: Session): void;
  /** A person at the tenant is being asked, for so many milliseconds. */
  consentAsked(session: Session, withinMs: number): void;
  opened(session: Session): void;
  /** After the ends of all its links. */
  ended(session: Session, reason: CloseReason): void;
  link(session: Session, news: LinkNews): void;
}

/** The session broker: opens, finds and ends sessions. Pure state. */
export class SessionBroker {
  readonly #options: Required<SessionBrokerOptions>;
  readonly #observer: SessionObserver;
  readonly #sessions = new SessionIndex();
  readonly #draining = new AbortController();

  constructor(options: SessionBrokerOptions, observer: SessionObserver) {
    this.#options = {
      rendezvousAddress: "",
      answerWithinMs: 10_000,
      consentWithinMs: 60_000,
      maxLinksPerSession: 64,
      maxSessionsPerOperator: 64,
      maxSessionsPerTenant: 64,
      maxSessions: 10_000,
      timeLimits: { longestMs: undefined, idleMs: undefined },
      reasonRequired: false,
      freeTargets: "operator",
      tracer: NO_TRACER,
      ...options,
    };
    this.#observer = observer;
  }

  /**
   * Opens a session: offers it to the tenant, whose decision comes later.
   *
   * Errors: `tenant-not-found`, `tenant-offline`, `limit-exceeded`, `invalid-argument` without a reason where one is
   * required; those of {@link checkTarget}.
   *
   * @param mayReach whether the operator's groups let it see a tenant. One that it may not see does not exist for it.
   */
  open(
    operator: SessionOperator,
    request: SessionRequest,
    remote: RemotePort,
    mayReach: (groups: readonly string[]) => boolean,
  ): Session {
    const { purpose } = request;
    if (this.draining.aborted) throw shuttingDown();
    const tenant = this.#options.registry.get(purpose.tenant);
    if (tenant === undefined || !mayReach(tenant.groups)) throw unknownTenant(purpose.tenant);
    const { presence } = tenant;
    if (presence.name === "offline") throw offlineTenant(purpose.tenant, presence.since);
    checkTarget(purpose, tenant.facts, operator, this.#options.freeTargets);
    if (this.#options.reasonRequired && purpose.reason.trim() === "") throw noReason();
    this.#checkLimits(operator.name, purpose.tenant);
    const session = this.#create(operator, request, remote, tenant.keyFingerprint);
    this.#sessions.add(session);
    this.#observer.started(session);
    session.offer();
    return session;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The sessions that are not over, oldest first. */
  list(): Session[] {
    return this.#sessions.list();
  }

  ofTenant(name: string): Session[] {
    return this.#sessions.ofTenant(name);
  }

  ofOperator(name: string): Session[] {
    return this.#sessions.ofOperator(name);
  }

  /** How many sessions to a tenant are open. */
  openSessionsOf(tenant: string): number {
    return this.ofTenant(tenant).filter((session) => session.state.name === "open").length;
  }

  /**
   * A tenant's control connection is there (again), still holding `held`. Sessions of that tenant that it does not hold
   * any more are ended. Returns the ids that it holds and that are not known here.
   */
  tenantReturned(tenant: string, held: readonly string[]): string[] {
    for (const session of this.ofTenant(tenant)) {
      if (held.includes(session.id)) continue;
      session.end({ code: "tenant-lost", message: `tenant ${tenant} was restarted`, remedy: "Connect again." });
    }
    return held.filter((id) => this.#sessions.get(id)?.purpose.tenant !== tenant);
  }

  /** A tenant's control connection is gone. Offers that it did not answer are over; open sessions go on. */
  tenantLeft(tenant: string): void {
    for (const session of this.ofTenant(tenant)) {
      if (session.state.name === "pending") {
        session.end({ code: "tenant-offline", message: `tenant ${tenant} went offline before it answered` });
      }
    }
  }

  /** Fires when new sessions are taken no more. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Opens no more sessions; those that are there go on. */
  drain(): void {
    this.#draining.abort();
  }

  /** Ends all sessions. */
  endAll(reason: CloseReason): void {
    for (const session of this.list()) session.end(reason);
  }

  #create(operator: SessionOperator, request: SessionRequest, remote: RemotePort, keyFingerprint: string): Session {
    const { registry, clock, links, newId, rendezvousAddress, answerWithinMs, consentWithinMs } = this.#options;
    const { purpose, maxDurationMs, plainNonce = NO_NONCE, linksAhead = 0, traceparent } = request;
    const { longestMs, idleMs } = this.#options.timeLimits;
    let opened = false;
    const id = newId("s");
    const attributes = { "drawbridge.session": id, "drawbridge.target": purpose.target };
    return new Session(id, operator, purpose, {
      span: this.#options.tracer.begin("session", { attributes, parent: traceparent }),
      clock,
      links,
      remote,
      plainNonce,
      linksAhead,
      rendezvousAddress,
      answerWithinMs,
      consentWithinMs,
      maxLinks: this.#options.maxLinksPerSession,
      timeLimits: { longestMs: shorter(longestMs, maxDurationMs), idleMs },
      tenantKeyFingerprint: keyFingerprint,
      newLinkId: () => newId("l"),
      tenantPort: () => {
        const presence = registry.get(purpose.tenant)?.presence;
        return presence?.name === "online" ? presence.port : undefined;
      },
      onChange: (session) => {
        if (session.state.name === "open" && !opened) {
          opened = true;
          this.#observer.opened(session);
        }
        if (session.state.name === "ended" && this.#sessions.delete(session)) {
          this.#observer.ended(session, session.state.reason);
        }
        registry.touched(purpose.tenant);
      },
      onConsentAsked: (session, withinMs) => this.#observer.consentAsked(session, withinMs),
      onLink: (session, news) => this.#observer.link(session, news),
    });
  }

  #checkLimits(operator: string, tenant: string): void {
    const { maxSessions, maxSessionsPerOperator, maxSessionsPerTenant } = this.#options;
    const exceeded = (what: string, most: number, limit: string): DrawbridgeError =>
      new DrawbridgeError("limit-exceeded", `${what} ${counted(most, "session")} open already`, {
        remedy: "End one of them first: see `drawbridge sessions`.",
        limit,
      });
    if (this.#sessions.size >= maxSessions) throw exceeded("the cloud redirector has", maxSessions, "sessions");
    if (this.ofOperator(operator).length >= maxSessionsPerOperator)
      throw exceeded("you have", maxSessionsPerOperator, "sessionsPerOperator");
    if (this.ofTenant(tenant).length >= maxSessionsPerTenant)
      throw exceeded("the tenant has", maxSessionsPerTenant, "sessionsPerTenant");
  }
}

const NO_NONCE = new Uint8Array();

/** The shorter of two limits, either of which may be missing. */
function shorter(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function shuttingDown(): DrawbridgeError {
  return new DrawbridgeError("shutting-down", "the cloud redirector is about to stop", {
    remedy: "Try again in a minute.",
  });
}

function noReason(): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", "this provider wants a reason for every session", {
    remedy: "Give one with --reason.",
  });
}

function unknownTenant(name: string): DrawbridgeError {
  return new DrawbridgeError("tenant-not-found", `there is no tenant ${name} that you may reach`, {
    remedy: "`drawbridge tenants` lists those that you may.",
  });
}

function offlineTenant(name: string, since: number | undefined): DrawbridgeError {
  const when =
    since === undefined ? "has never been online" : `has been offline since ${new Date(since).toISOString()}`;
  return new DrawbridgeError("tenant-offline", `tenant ${name} ${when}`, {
    remedy: "Check at the tenant that `drawbridge tenant run` is running and can reach this cloud redirector.",
  });
}

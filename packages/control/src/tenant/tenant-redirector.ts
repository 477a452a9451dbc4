import type { Socket } from "node:net";
import { arch, hostname, platform } from "node:os";
import type { CloseReason, ErrorCode, HandshakeToken } from "@drawbridge/dataplane";
import { Gateways, parseAddress } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { Backoff } from "../rpc/backoff.ts";
import type { KeepAlive } from "../rpc/keep-alive.ts";
import type { RenewingIdentity } from "../rpc/renewing-identity.ts";
import { NO_TRACER, type Tracer } from "../watching/span.ts";
import type { Log } from "../wire/log.ts";
import { SOFTWARE } from "../wire/software.ts";
import { WakeWatch } from "../wire/wake-watch.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AccessPolicy } from "./access-policy.ts";
import { clockWarning } from "./clock-warning.ts";
import { ControlAttempt } from "./control-attempt.ts";
import type { TenantHello, TenantWelcome } from "./control-connection.ts";
import type { HeldConnection } from "./held-connection.ts";
import { redialAfterMs } from "./redial.ts";
import { type AnyTargets, formatTargets } from "./targets.ts";
import type { TenantHome } from "./tenant-home.ts";
import { tellAll, type TenantSessionObserver } from "./tenant-session-observer.ts";
import { TenantSessions } from "./tenant-sessions.ts";
import { TenantTraces } from "./tenant-traces.ts";

/** A home, with the targets that a program gives. */
export type RunningHome = Omit<TenantHome, "targets"> & { targets: AnyTargets };

/** What a tenant redirector is made of. */
export interface TenantRedirectorOptions {
  home: RunningHome;
  /** The home's identity, which renews itself while the control connection is there. Default: it is never renewed. */
  identity?: RenewingIdentity;
  /** Where the provider is reached. Default: what the identity says. */
  gateways?: Gateways;
  policy: AccessPolicy;
  observer: TenantSessionObserver & ConnectionObserver;
  log: Log;
  clock: WallClock;
  backoff: Backoff;
  /** How a dead cloud redirector is found. Default: as the RPC layer has it. */
  keepAlive?: KeepAlive | undefined;
  /** Called when a consent request comes or goes. Must not throw. Default: nobody. */
  onRequestsChange?: () => void;
  /** Where sessions are traced. Default: nowhere. */
  tracer?: Tracer;
  /** How long a gateway is kept at least before one that the provider prefers is looked for, in milliseconds. Default 300,000. */
  preferAfterMs?: number;
}

/** Told of what the control connection does. Must not throw. */
export interface ConnectionObserver {
  /** @param gateway where, as `host:port`. */
  connected(welcome: TenantWelcome, gateway: string): void;
  /** There is none; the next attempt is in so many milliseconds. Default: nobody is told. */
  disconnected?(reason: CloseReason, gateway: string, retryInMs: number): void;
}

/**
 * Where the control connection stands, for people.
 *
 * - `connected`: it is there; `since` is when it was welcomed.
 * - `disconnected`: it is being dialled, or the next attempt is waited for.
 */
export type ConnectionState =
  | { name: "connected"; address: string; provider: string; since: number }
  | { name: "disconnected"; why: string; since: number };

/** Reasons that no reconnecting mends: somebody has to do something first. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "revoked",
  "unauthenticated",
  "permission-denied",
  "superseded",
  "home-invalid",
]);

/** How long a gateway is kept at least before one that the provider prefers is looked for, in milliseconds. */
const PREFER_AFTER_MS = 5 * 60_000;

/** The tenant redirector: holds the control connection, and serves the sessions that its policy accepts. */
export class TenantRedirector {
  readonly #options: TenantRedirectorOptions;
  #targets: AnyTargets;
  /** What is offered, asked and open. */
  readonly sessions: TenantSessions;
  readonly #stop = new AbortController();
  /** The attempt that is under way, or is over and waits for the next. */
  #attempt: ControlAttempt | undefined;
  #state: ConnectionState;
  #running: Promise<CloseReason> | undefined;
  readonly #gateways: Gateways;
  readonly #wakeWatch: WakeWatch;
  /** The gateway of the control connection that is there, or was there last. */
  #at = "";
  /** Ends the wait for the next attempt. */
  #hurry: (() => void) | undefined;

  constructor(options: TenantRedirectorOptions) {
    this.#options = options;
    const { home, policy, observer, clock, onRequestsChange } = options;
    const targets = (this.#targets = home.targets);
    const identity = (): EnrolledIdentity => options.identity?.current ?? home.identity;
    const notice = onRequestsChange === undefined ? {} : { onRequestsChange };
    const gateways = (this.#gateways = options.gateways ?? new Gateways(home.identity.addresses));
    const dialLeg = (at: string, token: HandshakeToken, signal: AbortSignal): Promise<Socket> =>
      at === ""
        ? gateways.dialLeg(this.#at, token, { signal })
        : gateways.reach.dialLeg(parseAddress(at), token, { signal });
    this.#wakeWatch = new WakeWatch(clock, (gapMs) => void this.#woken(gapMs));
    const traces = new TenantTraces(options.tracer ?? NO_TRACER);
    this.sessions = new TenantSessions({
      identity,
      targets,
      policy,
      observer: tellAll([traces, observer]),
      clock,
      dialLeg,
      traceLink: (session, link) => traces.link(session, link),
      ...notice,
    });
    this.#state = { name: "disconnected", why: "not dialled yet", since: clock.wallNow() };
  }

  /** Where the control connection stands. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects, and reconnects for as long as that may help. Resolves to why it stopped. Never rejects. */
  run(): Promise<CloseReason> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** The policy is another one: judges what is open or asked anew, and tells the cloud redirector what it has to know. */
  policyChanged(): void {
    this.sessions.review();
    this.#attempt?.policyChanged();
  }

  /** The targets are others: ends what was for one that is gone or elsewhere now, and tells the cloud redirector. */
  targetsChanged(targets: AnyTargets): void {
    this.#targets = targets;
    this.sessions.replaceTargets(targets);
    this.#attempt?.targetsChanged();
  }

  /** Says goodbye, ends all sessions and stops. May be called twice. */
  async stop(reason: CloseReason): Promise<void> {
    await this.sessions.closeAll(reason);
    this.#stop.abort();
    await this.#attempt?.goodbye(reason);
    await this.#running;
  }

  async #run(): Promise<CloseReason> {
    this.#wakeWatch.start();
    try {
      return await this.#reconnect();
    } finally {
      this.#wakeWatch.stop();
    }
  }

  async #reconnect(): Promise<CloseReason> {
    const { clock, backoff } = this.#options;
    while (!this.#stop.signal.aborted) {
      const attempt = (this.#attempt = this.#newAttempt());
      const reason = await attempt.run();
      this.#options.identity?.stop();
      this.#state = { name: "disconnected", why: reason.message, since: clock.wallNow() };
      if (FINAL.has(reason.code)) {
        await this.sessions.closeAll(reason);
        return reason;
      }
      const delayMs = redialAfterMs(attempt, attempt.heldMs, this.#gateways, backoff);
      await this.#pauseAfter(reason, attempt.place, delayMs);
    }
    return { code: "closed", message: "the tenant redirector was stopped" };
  }

  #newAttempt(): ControlAttempt {
    const { home, identity, keepAlive, log, clock, preferAfterMs = PREFER_AFTER_MS } = this.#options;
    return new ControlAttempt({
      identity: () => identity?.current ?? home.identity,
      gateways: this.#gateways,
      sessions: this.sessions,
      keepAlive,
      preferAfterMs,
      hello: () => this.#hello(),
      onHeld: (held) => this.#connected(held),
      log,
      clock,
      signal: this.#stop.signal,
    });
  }

  #hello(): Omit<TenantHello, "sessionIds"> {
    return {
      software: SOFTWARE,
      hostName: hostname(),
      platform: `${platform()} ${arch()}`,
      targets: formatTargets(this.#targets),
      freeTargets: this.#options.policy.freeTargets?.some() ?? false,
    };
  }

  #connected({ place, connection, channel }: HeldConnection): void {
    const { identity, clock, log, observer } = this.#options;
    const { tenant, epoch, provider, gateways, clockAheadMs } = connection.welcome;
    this.#at = place;
    this.#state = { name: "connected", address: place, provider, since: clock.wallNow() };
    log.info(
      { event: "connected", tenant, epoch, address: place },
      `connected to ${provider} at ${place} as ${tenant}`,
    );
    const warning = clockWarning(clockAheadMs, clock.wallNow());
    if (warning !== undefined) log.warn({ event: "clock-off", clockAheadMs }, warning);
    this.#gateways.replace(gateways, place);
    identity?.watch(channel);
    observer.connected(connection.welcome, place);
  }

  /** Nothing waits any longer. */
  async #woken(gapMs: number): Promise<void> {
    const text = `this machine slept or stood still for about ${Math.round(gapMs / 1000)} s`;
    this.#options.log.info({ event: "woken", gapMs: Math.round(gapMs) }, text);
    if (this.#attempt?.isHeld === true) await this.#attempt.woken();
    else this.#hurry?.();
  }

  #pauseAfter(reason: CloseReason, address: string, delayMs: number): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    const { code, message } = reason;
    const text = `no control connection: ${message}; next attempt in ${(delayMs / 1000).toFixed(1)} s`;
    this.#options.log.warn({ event: "disconnected", code, address, retryInMs: Math.round(delayMs) }, text);
    this.#options.observer.disconnected?.(reason, address, Math.round(delayMs));
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = (): void => resolve();
    const timer = this.#options.clock.setTimer(delayMs, over);
    this.#hurry = over;
    this.#stop.signal.addEventListener("abort", over, { once: true });
    return promise.finally(() => {
      timer.cancel();
      this.#hurry = undefined;
      this.#stop.signal.removeEventListener("abort", over);
    });
  }
}

import type { Socket } from "node:net";
import { arch, hostname, platform } from "node:os";
import type { CloseReason, ErrorCode, HandshakeToken } from "@drawbridge/dataplane";
import { closeReasonFrom, Gateways, HASTY_DIAL_MS, parseAddress } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { Backoff } from "../rpc/backoff.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { openChannel } from "../rpc/enrollment-client.ts";
import type { KeepAlive } from "../rpc/keep-alive.ts";
import type { RenewingIdentity } from "../rpc/renewing-identity.ts";
import { NO_TRACER, type Tracer } from "../watching/span.ts";
import type { Log } from "../wire/log.ts";
import { SOFTWARE } from "../wire/software.ts";
import { WakeWatch } from "../wire/wake-watch.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AccessPolicy } from "./access-policy.ts";
import type { ControlHandler, TenantHello, TenantWelcome } from "./control-connection.ts";
import { ControlConnection } from "./control-connection.ts";
import type { LostConnection } from "./redial.ts";
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

/** One attempt to hold a control connection. */
interface Attempt extends LostConnection {
  startedAt: number;
  /** Once it was welcomed, while it lasts. */
  held?: { connection: ControlConnection; channel: RpcChannel } | undefined;
}

/** Reasons that no reconnecting mends: somebody has to do something first. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "revoked",
  "unauthenticated",
  "permission-denied",
  "superseded",
  "home-invalid",
]);

const SLEPT: CloseReason = { code: "unavailable", message: "the connection was lost while this machine slept" };

/** How long the cloud redirector may take to end the stream after a goodbye, in milliseconds. */
const GOODBYE_MS = 2_000;

/** How long the cloud redirector may take to answer once a machine has woken up, in milliseconds. */
const PROBE_MS = 3_000;

/** A clock that is off by more than this is worth a word, in milliseconds. */
const CLOCK_TOLERANCE_MS = 120_000;

/** The tenant redirector: holds the control connection, and serves the sessions that its policy accepts. */
export class TenantRedirector {
  readonly #options: TenantRedirectorOptions;
  /** What is offered, asked and open. */
  readonly sessions: TenantSessions;
  readonly #stop = new AbortController();
  /** The attempt that is under way, or is over and waits for the next. */
  #attempt: Attempt = { place: "", startedAt: 0 };
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
    const { targets } = home;
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

  /** Says goodbye, ends all sessions and stops. May be called twice. */
  async stop(reason: CloseReason): Promise<void> {
    await this.sessions.closeAll(reason);
    this.#stop.abort();
    const connection = this.#attempt.held?.connection;
    if (connection !== undefined) {
      connection.goodbye(reason);
      // A cloud redirector that does not take the goodbye must not keep this one from stopping.
      const late = this.#options.clock.setTimer(GOODBYE_MS, () => connection.destroy());
      await connection.closed;
      late.cancel();
    }
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
      const attempt: Attempt = (this.#attempt = { place: "", startedAt: clock.now() });
      const reason = await this.#connectOnce(attempt);
      this.#state = { name: "disconnected", why: reason.message, since: clock.wallNow() };
      if (FINAL.has(reason.code)) {
        await this.sessions.closeAll(reason);
        return reason;
      }
      const heldMs = clock.now() - attempt.startedAt;
      await this.#pauseAfter(reason, attempt.place, redialAfterMs(attempt, heldMs, this.#gateways, backoff));
    }
    return { code: "closed", message: "the tenant redirector was stopped" };
  }

  /** Holds one control connection until it is over. Resolves to why it is. */
  async #connectOnce(attempt: Attempt): Promise<CloseReason> {
    const { home, identity, keepAlive } = this.#options;
    let channel: RpcChannel | undefined;
    try {
      const place = (attempt.place = await this.#gateways.next());
      channel = openChannel(identity?.current ?? home.identity, place, this.#gateways.reach, keepAlive);
      const hasty = this.#gateways.hasOtherThan(place) ? { withinMs: HASTY_DIAL_MS } : {};
      // Where it fails at once the call that follows does so too, and tells why.
      await channel.connect({ ...hasty, signal: this.#stop.signal });
      const reason = await this.#hold(attempt, channel);
      return attempt.slept === true ? SLEPT : reason;
    } catch (error) {
      return closeReasonFrom(error);
    } finally {
      identity?.stop();
      this.sessions.connectTo(undefined);
      attempt.held?.connection.destroy();
      attempt.held = undefined;
      channel?.close();
    }
  }

  async #hold(attempt: Attempt, channel: RpcChannel): Promise<CloseReason> {
    const { identity, clock, observer } = this.#options;
    const { place } = attempt;
    const connection = await ControlConnection.open(channel, this.#hello(), this.#handler, clock, this.#stop.signal);
    attempt.held = { connection, channel };
    this.#at = place;
    this.#gateways.worked(place);
    this.sessions.connectTo(connection);
    const { provider, gateways } = connection.welcome;
    this.#state = { name: "connected", address: place, provider, since: clock.wallNow() };
    this.#welcomed(connection.welcome, place);
    this.#gateways.replace(gateways, place);
    identity?.watch(channel);
    observer.connected(connection.welcome, place);
    return connection.closed;
  }

  #hello(): TenantHello {
    return {
      software: SOFTWARE,
      hostName: hostname(),
      platform: `${platform()} ${arch()}`,
      targets: formatTargets(this.#options.home.targets),
      sessionIds: this.sessions.ids(),
    };
  }

  readonly #handler: ControlHandler = {
    sessionOffered: (offer) => this.sessions.offered(offer),
    sessionClosed: (id, reason) => this.sessions.close(id, reason),
    linkOffered: (offer) => this.sessions.linkOffered(offer),
    draining: (withinMs, reconnectAfterMs) => {
      this.#attempt.reconnectAfterMs = reconnectAfterMs;
      const text = `the cloud redirector stops within ${Math.round(withinMs / 1000)} s`;
      this.#options.log.info({ event: "draining", withinMs, reconnectAfterMs }, text);
    },
  };

  /** The connection may be long dead: it is asked, rather than waited for; and no attempt waits any longer. */
  async #woken(gapMs: number): Promise<void> {
    const attempt = this.#attempt;
    const { log } = this.#options;
    const text = `this machine slept or stood still for about ${Math.round(gapMs / 1000)} s`;
    log.info({ event: "woken", gapMs: Math.round(gapMs) }, text);
    if (attempt.held === undefined) return this.#hurry?.();
    const { connection, channel } = attempt.held;
    if (await channel.answers(PROBE_MS)) return;
    attempt.slept = true;
    connection.destroy();
  }

  #welcomed({ tenant, epoch, provider, clockAheadMs }: TenantWelcome, address: string): void {
    const { log } = this.#options;
    log.info({ event: "connected", tenant, epoch, address }, `connected to ${provider} at ${address} as ${tenant}`);
    if (Math.abs(clockAheadMs) < CLOCK_TOLERANCE_MS) return;
    const minutes = Math.round(Math.abs(clockAheadMs) / 60_000);
    const side = clockAheadMs > 0 ? "ahead of" : "behind";
    const here = this.#options.clock.wallNow();
    const [ours, theirs] = [here, here - clockAheadMs].map((time) => new Date(time).toISOString());
    log.warn(
      { event: "clock-off", clockAheadMs },
      `this machine's clock is ${minutes} min ${side} the provider's: it says ${ours}, the provider's ${theirs}; set it right, or certificates will be refused`,
    );
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

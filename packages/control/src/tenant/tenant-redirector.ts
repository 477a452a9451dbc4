import type { Socket } from "node:net";
import { arch, hostname, platform } from "node:os";
import type { CloseReason, ErrorCode, HandshakeToken } from "@drawbridge/dataplane";
import { closeReasonFrom, Gateways } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { Backoff } from "../rpc/backoff.ts";
import { openChannel } from "../rpc/enrollment-client.ts";
import type { RenewingIdentity } from "../rpc/renewing-identity.ts";
import type { Log } from "../wire/log.ts";
import { SOFTWARE } from "../wire/software.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AccessPolicy } from "./access-policy.ts";
import type { TenantWelcome } from "./control-connection.ts";
import { ControlConnection } from "./control-connection.ts";
import { formatTargets } from "./targets.ts";
import type { TenantHome } from "./tenant-home.ts";
import type { TenantSessionObserver } from "./tenant-session-observer.ts";
import { TenantSessions } from "./tenant-sessions.ts";

/** What a tenant redirector is made of. */
export interface TenantRedirectorOptions {
  home: TenantHome;
  /** The home's identity, which renews itself while the control connection is there. Default: it is never renewed. */
  identity?: RenewingIdentity;
  /** Where the provider is reached. Default: what the identity says. */
  gateways?: Gateways;
  policy: AccessPolicy;
  observer: TenantSessionObserver & { connected(welcome: TenantWelcome): void };
  log: Log;
  clock: WallClock;
  backoff: Backoff;
  /** Called when a consent request comes or goes. Must not throw. Default: nobody. */
  onRequestsChange?: () => void;
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

/** How long the cloud redirector may take to end the stream after a goodbye, in milliseconds. */
const GOODBYE_MS = 2_000;

/** A clock that is off by more than this is worth a word, in milliseconds. */
const CLOCK_TOLERANCE_MS = 120_000;

/** The tenant redirector: holds the control connection, and serves the sessions that its policy accepts. */
export class TenantRedirector {
  readonly #options: TenantRedirectorOptions;
  /** What is offered, asked and open. */
  readonly sessions: TenantSessions;
  readonly #stop = new AbortController();
  #connection: ControlConnection | undefined;
  #state: ConnectionState;
  #running: Promise<CloseReason> | undefined;
  readonly #gateways: Gateways;
  /** The gateway of the control connection that is there, or was there last. */
  #at = "";

  constructor(options: TenantRedirectorOptions) {
    this.#options = options;
    const { home, policy, observer, clock, onRequestsChange } = options;
    const { targets } = home;
    const identity = (): EnrolledIdentity => options.identity?.current ?? home.identity;
    const notice = onRequestsChange === undefined ? {} : { onRequestsChange };
    const gateways = (this.#gateways = options.gateways ?? new Gateways(home.identity.addresses));
    const dialLeg = (at: string, token: HandshakeToken, signal: AbortSignal): Promise<Socket> =>
      gateways.dialLeg(at === "" ? this.#at : at, token, { signal });
    this.sessions = new TenantSessions({ identity, targets, policy, observer, clock, dialLeg, ...notice });
    this.#state = { name: "disconnected", why: "not dialled yet", since: clock.wallNow() };
  }

  /** Where the control connection stands. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects, and reconnects for as long as that may help. Resolves to why it stopped. Never rejects. */
  run(): Promise<CloseReason> {
    this.#running ??= this.#reconnect();
    return this.#running;
  }

  /** Says goodbye, ends all sessions and stops. May be called twice. */
  async stop(reason: CloseReason): Promise<void> {
    await this.sessions.closeAll(reason);
    this.#stop.abort();
    const connection = this.#connection;
    if (connection !== undefined) {
      connection.goodbye(reason);
      // A cloud redirector that does not take the goodbye must not keep this one from stopping.
      const late = this.#options.clock.setTimer(GOODBYE_MS, () => connection.destroy());
      await connection.closed;
      late.cancel();
    }
    await this.#running;
  }

  async #reconnect(): Promise<CloseReason> {
    const { clock, backoff } = this.#options;
    while (!this.#stop.signal.aborted) {
      const address = this.#gateways.next();
      const startedAt = clock.now();
      const reason = await this.#connectOnce(address);
      this.#state = { name: "disconnected", why: reason.message, since: clock.wallNow() };
      if (FINAL.has(reason.code)) {
        await this.sessions.closeAll(reason);
        return reason;
      }
      await this.#pauseAfter(reason, address, backoff.next(clock.now() - startedAt));
    }
    return { code: "closed", message: "the tenant redirector was stopped" };
  }

  /** Holds one control connection until it is over. Resolves to why it is. */
  async #connectOnce(address: string): Promise<CloseReason> {
    const { home, identity, clock, observer, log } = this.#options;
    const sessions = this.sessions;
    let channel: ReturnType<typeof openChannel> | undefined;
    try {
      channel = openChannel(identity?.current ?? home.identity, address, this.#gateways.reach);
      const hello = {
        software: SOFTWARE,
        hostName: hostname(),
        platform: `${platform()} ${arch()}`,
        targets: formatTargets(home.targets),
        sessionIds: sessions.ids(),
      };
      const handler = {
        sessionOffered: (offer: Parameters<TenantSessions["offered"]>[0]) => sessions.offered(offer),
        sessionClosed: (id: string, reason: CloseReason) => sessions.close(id, reason),
        linkOffered: (offer: Parameters<TenantSessions["linkOffered"]>[0]) => sessions.linkOffered(offer),
        draining: (withinMs: number) => {
          log.info(
            { event: "draining", withinMs },
            `the cloud redirector stops within ${Math.round(withinMs / 1000)} s`,
          );
        },
      };
      const connection = await ControlConnection.open(channel, hello, handler, clock, this.#stop.signal);
      this.#connection = connection;
      this.#at = address;
      sessions.connectTo(connection);
      const { provider } = connection.welcome;
      this.#state = { name: "connected", address, provider, since: clock.wallNow() };
      this.#welcomed(connection.welcome, address);
      identity?.watch(channel);
      observer.connected(connection.welcome);
      return await connection.closed;
    } catch (error) {
      return closeReasonFrom(error);
    } finally {
      identity?.stop();
      sessions.connectTo(undefined);
      this.#connection?.destroy();
      this.#connection = undefined;
      channel?.close();
    }
  }

  #welcomed({ tenant, epoch, provider, clockAheadMs }: TenantWelcome, address: string): void {
    const { log } = this.#options;
    log.info({ event: "connected", tenant, epoch, address }, `connected to ${provider} at ${address} as ${tenant}`);
    if (Math.abs(clockAheadMs) < CLOCK_TOLERANCE_MS) return;
    const minutes = Math.round(Math.abs(clockAheadMs) / 60_000);
    const side = clockAheadMs > 0 ? "ahead of" : "behind";
    log.warn(
      { event: "clock-off", clockAheadMs },
      `this machine's clock is ${minutes} min ${side} the provider's: set it right`,
    );
  }

  #pauseAfter({ code, message }: CloseReason, address: string, delayMs: number): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    const text = `no control connection: ${message}; next attempt in ${(delayMs / 1000).toFixed(1)} s`;
    this.#options.log.warn({ event: "disconnected", code, address, retryInMs: Math.round(delayMs) }, text);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimer(delayMs, resolve);
    const stopped = (): void => {
      timer.cancel();
      resolve();
    };
    this.#stop.signal.addEventListener("abort", stopped, { once: true });
    return promise.finally(() => this.#stop.signal.removeEventListener("abort", stopped));
  }
}

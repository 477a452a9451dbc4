import type { CloseReason, Gateways } from "@drawbridge/dataplane";
import { abortError, closeReasonFrom, HASTY_DIAL_MS } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { KeepAlive } from "../rpc/keep-alive.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { ControlHandler, TenantHello } from "./control-connection.ts";
import { Crossing } from "./crossing.ts";
import { GatewayMoves } from "./gateway-moves.ts";
import { type HeldConnection, holdConnection, retire } from "./held-connection.ts";
import type { LostConnection } from "./redial.ts";
import type { TenantSessions } from "./tenant-sessions.ts";

/** What an attempt is made of. */
export interface ControlAttemptOptions {
  identity: () => EnrolledIdentity;
  gateways: Gateways;
  sessions: TenantSessions;
  keepAlive: KeepAlive | undefined;
  /** How long a gateway is kept at least before one that the provider prefers is looked for, in milliseconds. */
  preferAfterMs: number;
  /** What to say first, but for the sessions. */
  hello: () => Omit<TenantHello, "sessionIds">;
  /** A control connection is the one that counts from now on. Must not throw. */
  onHeld: (held: HeldConnection) => void;
  log: Log;
  clock: WallClock;
  signal: AbortSignal;
}

/** How long the cloud redirector may take to end the stream after a goodbye, in milliseconds. */
const GOODBYE_MS = 2_000;

/** How long the cloud redirector may take to answer once a machine has woken up, in milliseconds. */
const PROBE_MS = 3_000;

const SLEPT: CloseReason = { code: "unavailable", message: "the connection was lost while this machine slept" };
const LOST_IN_MOVE: CloseReason = {
  code: "unavailable",
  message: "the connection was lost while the gateway was changed",
};

/**
 * One attempt to hold a control connection: makes it, and has others take its place when it has to move to another
 * gateway, until the last one is over.
 */
export class ControlAttempt implements LostConnection {
  place = "";
  reconnectAfterMs: number | undefined;
  slept = false;
  readonly #options: ControlAttemptOptions;
  readonly #startedAt: number;
  readonly #moves: GatewayMoves;
  #held: HeldConnection | undefined;
  /** Set while another control connection is to take this one's place. */
  #crossing: Crossing | undefined;
  /** The targets that the last hello named. */
  #announced = "";
  /** How many control connections were begun, and which of them was the last to be welcomed. */
  #dialled = 0;
  #welcomed = 0;

  constructor(options: ControlAttemptOptions) {
    const { gateways, sessions, clock, preferAfterMs } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#moves = new GatewayMoves({
      gateways,
      clock,
      at: () => this.place,
      moveTo: (place) => this.#moveTo(place),
      isIdle: () => sessions.undecided().length === 0 && sessions.list().every(({ links }) => links.size === 0),
      preferAfterMs,
    });
  }

  /** Whether a control connection is there. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** How long it has taken and held so far, in milliseconds. */
  get heldMs(): number {
    return this.#options.clock.now() - this.#startedAt;
  }

  /** Resolves to why the last control connection is over, or why there was none. Never rejects. */
  async run(): Promise<CloseReason> {
    const { gateways, sessions } = this.#options;
    try {
      const place = (this.place = await gateways.next());
      this.#take(await this.#dial(place, gateways.hasOtherThan(place) ? HASTY_DIAL_MS : undefined));
      this.#moves.start();
      const reason = await this.#lost();
      return this.slept ? SLEPT : reason;
    } catch (error) {
      return closeReasonFrom(error);
    } finally {
      this.#moves.stop();
      sessions.connectTo(undefined);
      this.#held?.connection.destroy();
      this.#held?.channel.close();
      this.#held = undefined;
    }
  }

  /** Tells what the policy says of free targets now. */
  policyChanged(): void {
    this.#held?.connection.freeTargetsChanged(this.#options.hello().freeTargets);
  }

  /** The targets are others. Only a hello tells them, so another control connection takes this one's place. */
  targetsChanged(): void {
    // One that is being made looks for itself whether its hello is out of date.
    if (this.#held !== undefined) this.#moves.renew();
  }

  /** Says goodbye, if somebody is there, and waits for the end. */
  async goodbye(reason: CloseReason): Promise<void> {
    const connection = this.#held?.connection;
    if (connection === undefined) return;
    connection.goodbye(reason);
    // A cloud redirector that does not take the goodbye must not keep this one from stopping.
    const late = this.#options.clock.setTimer(GOODBYE_MS, () => connection.destroy());
    await connection.closed;
    late.cancel();
  }

  /** The machine has slept: the connection may be long dead, so it is asked, rather than waited for. */
  async woken(): Promise<void> {
    if (this.#held === undefined) return;
    const { connection, channel } = this.#held;
    if (await channel.answers(PROBE_MS)) return;
    this.slept = true;
    connection.destroy();
  }

  /** Resolves once the control connection is over and none has taken its place. */
  async #lost(): Promise<CloseReason> {
    for (let held = this.#held; held !== undefined;) {
      const reason = await held.connection.closed;
      // One that takes its place supersedes it before it is welcomed itself.
      const { isMoving } = this.#moves;
      await this.#moves.settled();
      if (this.#held === held) return isMoving && reason.code === "superseded" ? LOST_IN_MOVE : reason;
      held = this.#held;
    }
    return LOST_IN_MOVE;
  }

  /** Has another control connection take over, without a gap. Resolves to whether it did. */
  async #moveTo(place: string): Promise<boolean> {
    const { sessions, gateways, clock, log } = this.#options;
    const before = this.#held;
    if (before === undefined) return false;
    const crossing = new Crossing();
    try {
      const held = await this.#dial(place, HASTY_DIAL_MS, crossing);
      this.#take(held);
      crossing.succeeded(held.connection);
      void retire(before, clock);
      return true;
    } catch (error) {
      const { code, message } = closeReasonFrom(error);
      log.info({ event: "not-moved", code, address: place }, `stays at ${before.place}: ${message}`);
      gateways.failed(place);
      if (this.#crossing === crossing) {
        sessions.connectTo(before.connection);
        crossing.failed(before.connection, (offer) => sessions.offered(offer));
      }
      return false;
    } finally {
      this.#crossing = undefined;
    }
  }

  /** @param crossing given where it is to take another one's place. */
  async #dial(place: string, withinMs: number | undefined, crossing?: Crossing): Promise<HeldConnection> {
    const { identity, gateways, sessions, keepAlive, clock, signal } = this.#options;
    const hello = (): TenantHello => {
      this.#crossing = crossing;
      if (crossing !== undefined) sessions.connectTo(crossing);
      // Without a connection before it there are no questions whose answers somebody waits for.
      const sessionIds = [...sessions.ids(), ...sessions.undecided()];
      said = { ...this.#options.hello(), sessionIds };
      this.#announced = JSON.stringify(said.targets);
      return said;
    };
    let said: TenantHello | undefined;
    const number = (this.#dialled += 1);
    const held = await holdConnection(place, {
      identity: identity(),
      gateways,
      keepAlive,
      hello,
      handler: this.#handler(place, () => number < this.#welcomed),
      clock,
      signal,
      ...(withinMs !== undefined && { withinMs }),
    });
    this.#welcomed = number;
    // The policy may have been reloaded while the welcome was on its way.
    const { freeTargets } = this.#options.hello();
    if (said?.freeTargets !== freeTargets) held.connection.freeTargetsChanged(freeTargets);
    return held;
  }

  #take(held: HeldConnection): void {
    const { gateways, sessions, onHeld, signal } = this.#options;
    if (signal.aborted) {
      held.connection.destroy();
      held.channel.close();
      throw abortError(signal);
    }
    this.#held = held;
    this.place = held.place;
    gateways.worked(held.place);
    sessions.connectTo(held.connection);
    onHeld(held);
    // They may have changed while the welcome was on its way.
    if (this.#announced !== JSON.stringify(this.#options.hello().targets)) this.#moves.renew();
  }

  /** @param isOlder whether another control connection has taken this one's place. */
  #handler(place: string, isOlder: () => boolean): ControlHandler {
    const { sessions, log } = this.#options;
    return {
      sessionOffered: (offer) => {
        // The cloud redirector has ended what the newer connection's hello did not name.
        if (isOlder()) return;
        if (this.#crossing !== undefined) this.#crossing.offered(offer);
        else sessions.offered(offer);
      },
      sessionClosed: (id, reason) => sessions.close(id, reason),
      linkOffered: (offer) => sessions.linkOffered(offer),
      draining: (withinMs, reconnectAfterMs) => {
        this.reconnectAfterMs = reconnectAfterMs;
        const text = `the cloud redirector stops within ${Math.round(withinMs / 1000)} s`;
        log.info({ event: "draining", withinMs, reconnectAfterMs }, text);
      },
      gatewayDraining: (withinMs, moveAfterMs) => {
        if (isOlder()) return;
        const text = `the gateway ${place} stops within ${Math.round(withinMs / 1000)} s; goes on at another one`;
        log.info({ event: "gateway-draining", withinMs, moveAfterMs, address: place }, text);
        this.#moves.leave(moveAfterMs);
      },
    };
  }
}

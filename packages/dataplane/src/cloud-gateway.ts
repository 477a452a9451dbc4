import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Address } from "./address.ts";
import { systemClock, type Clock, type Timer } from "./clock.ts";
import { CloudChoice, type CloudChoiceOptions, type GatewayCloud } from "./cloud-choice.ts";
import { closeReason, closeReasonFrom, limitReason, type CloseReason } from "./close-reason.ts";
import { CountByKey } from "./count-by-key.ts";
import { FrontDoor } from "./front-door.ts";
import type { GatewayNote } from "./gateway-note.ts";
import { localAddress, peerAddress } from "./peer-address.ts";
import { encodeProxyHeader } from "./proxy-protocol.ts";
import type { Refusal } from "./rendezvous-options.ts";
import { splice, type Splice } from "./splice.ts";

/** What strangers may make a gateway hold. */
export interface CloudGatewayLimits {
  /** Sockets that have said nothing, in all; the oldest makes room. */
  readonly silentSockets: number;
  /** The same by address. */
  readonly silentSocketsPerAddress: number;
  /** Connections that are passed on, in all. */
  readonly connections: number;
  /** The same by address. */
  readonly connectionsPerAddress: number;
}

/**
 * The cloud redirector's defaults for silent sockets, and room for as many connections as it takes links; an address has
 * half of that, so that one alone cannot lock out the others.
 */
export const DEFAULT_CLOUD_GATEWAY_LIMITS: CloudGatewayLimits = {
  silentSockets: 4096,
  silentSocketsPerAddress: 64,
  connections: 32_768,
  connectionsPerAddress: 16_384,
};

/** What a {@link CloudGateway} is made of. */
export interface CloudGatewayOptions {
  /** The cloud redirectors, the preferred first. At least one. */
  readonly clouds: readonly Address[];
  /** Default {@link DEFAULT_CLOUD_GATEWAY_LIMITS}. */
  readonly limits?: Partial<CloudGatewayLimits>;
  /** From accept to the bytes that tell what a connection is, in milliseconds. Default 5,000. */
  readonly firstByteTimeoutMs?: number;
  /** How long dials and checks take, and how often is checked. Default: as {@link CloudChoiceOptions} says. */
  readonly checks?: Pick<CloudChoiceOptions, "timeoutMs" | "checkEveryMs" | "retryEveryMs">;
  /** Told of every socket that was closed without a word. Must not throw. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Told when a cloud redirector's health has changed. Must not throw. */
  readonly onHealth?: (cloud: GatewayCloud) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** Figures, to be polled. The first two are gauges, the last only grows. */
export interface CloudGatewayStats {
  readonly silentSockets: number;
  /** Connections that are passed on, or whose cloud redirector is being dialled. */
  readonly connections: number;
  readonly refusedTotal: number;
}

/**
 * - `open`: takes connections, once it listens
 * - `draining`: takes no new ones, until the last is over or the timer fires
 * - `closed`: every socket is closed; final
 */
type GatewayState =
  | { readonly kind: "open" }
  | { readonly kind: "draining"; readonly timer: Timer; readonly until: number }
  | { readonly kind: "closed" };

/** A connection that was taken: how to end it, whatever it is doing. */
interface Passage {
  readonly end: (reason: CloseReason) => void;
}

/** A longer timer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const SHUT_DOWN = closeReason("shutting-down", "the gateway shut down");

const ignoreError = (): void => {};

/**
 * A cloud gateway: one public port in front of one or more cloud redirectors. Passes connections on as they are, with
 * the client's address before them (PROXY protocol, version 2). Holds no keys and no home, and reads of what it passes on
 * no more than the first bytes, which tell TLS from a preface.
 */
export class CloudGateway {
  /** Resolves when every socket is closed; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #closed = Promise.withResolvers<CloseReason>();
  readonly #options: CloudGatewayOptions;
  readonly #limits: CloudGatewayLimits;
  readonly #clock: Clock;
  readonly #door: FrontDoor;
  readonly #clouds: CloudChoice;
  readonly #passages = new Set<Passage>();
  readonly #byAddress = new CountByKey();
  readonly #instance = randomBytes(16).toString("hex");
  #refusedTotal = 0;
  #state: GatewayState = { kind: "open" };

  constructor(options: CloudGatewayOptions) {
    const { clouds, clock = systemClock, limits, firstByteTimeoutMs, checks, onHealth = () => {} } = options;
    this.closed = this.#closed.promise;
    this.#options = options;
    this.#clock = clock;
    this.#limits = { ...DEFAULT_CLOUD_GATEWAY_LIMITS, ...limits };
    this.#clouds = new CloudChoice({ clouds, clock, onHealth, note: () => this.#note(), ...checks });
    this.#door = new FrontDoor({
      onTls: (socket) => void this.#pass(socket),
      onLeg: (socket) => void this.#pass(socket),
      maxSilentSockets: this.#limits.silentSockets,
      maxSilentPerAddress: this.#limits.silentSocketsPerAddress,
      onRefused: (refusal) => this.#refused(refusal),
      clock,
      ...(firstByteTimeoutMs !== undefined && { firstByteTimeoutMs }),
    });
  }

  /** Starts to listen and to check the cloud redirectors. Errors: as those of {@link FrontDoor.listen}. */
  async listen(address: Address): Promise<Address> {
    const bound = await this.#door.listen(address);
    if (this.#state.kind === "open") this.#clouds.start();
    else await this.#door.close();
    return bound;
  }

  stats(): CloudGatewayStats {
    return {
      silentSockets: this.#door.silentSockets,
      connections: this.#byAddress.total,
      refusedTotal: this.#refusedTotal,
    };
  }

  /**
   * Takes no new connections, has the cloud redirectors ask the tenants to move to another gateway, lets the connections
   * that are there end by themselves, and ends the rest after `deadlineMs`, 24 days at most.
   */
  drain(deadlineMs: number): Promise<CloseReason> {
    if (this.#state.kind === "open") {
      const withinMs = Math.min(deadlineMs, LONGEST_TIMER_MS);
      const timer = this.#clock.setTimer(withinMs, () => this.destroy(SHUT_DOWN));
      this.#state = { kind: "draining", timer, until: this.#clock.now() + withinMs };
      this.#door.destroy();
      this.#clouds.announce();
      this.#closeWhenDrained();
    }
    return this.closed;
  }

  /** Closes every socket at once. May be called twice; the first reason counts. */
  destroy(reason: CloseReason): void {
    if (this.#state.kind === "closed") return;
    if (this.#state.kind === "draining") this.#state.timer.cancel();
    this.#state = { kind: "closed" };
    this.#door.destroy();
    this.#clouds.stop();
    for (const passage of this.#passages) passage.end(reason);
    this.#closed.resolve(reason);
  }

  /** Passes a connection on until it is over. Never rejects. */
  async #pass(client: Socket): Promise<void> {
    client.on("error", ignoreError);
    const { host: address } = peerAddress(client);
    const surplus = this.#surplus(address);
    if (surplus !== undefined) {
      this.#refuse(client, surplus);
      return;
    }
    this.#byAddress.add(address);
    const running = await this.#connect(client);
    if (running !== undefined) {
      const passage = { end: (reason: CloseReason) => running.destroy(reason) };
      this.#passages.add(passage);
      await running.closed;
      this.#passages.delete(passage);
    }
    this.#byAddress.remove(address);
    this.#closeWhenDrained();
  }

  /** Dials a cloud redirector for a client and splices the two; undefined where the client was refused or is gone. */
  async #connect(client: Socket): Promise<Splice | undefined> {
    const gone = new AbortController();
    const passage = { end: () => client.destroy() };
    const onGone = (): void => gone.abort();
    client.once("close", onGone);
    this.#passages.add(passage);
    try {
      const cloud = await this.#clouds.dial(gone.signal);
      cloud.write(encodeProxyHeader({ source: peerAddress(client), destination: localAddress(client) }, this.#note()));
      return splice(client, cloud, { aName: "the client", bName: "the cloud redirector", clock: this.#clock });
    } catch (error) {
      this.#refuse(client, closeReasonFrom(error));
      return undefined;
    } finally {
      client.off("close", onGone);
      this.#passages.delete(passage);
    }
  }

  #note(): GatewayNote {
    const instance = this.#instance;
    if (this.#state.kind !== "draining") return { instance };
    return { instance, drainingMs: this.#state.until - this.#clock.now() };
  }

  #surplus(address: string): CloseReason | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#state.kind !== "open") return SHUT_DOWN;
    if (this.#byAddress.total >= connections) {
      return limitReason("connections", `${connections} connections are open, which is the gateway's limit`);
    }
    if (this.#byAddress.of(address) >= connectionsPerAddress) {
      return limitReason("connectionsPerAddress", `${connectionsPerAddress} connections from ${address} are open`);
    }
    return undefined;
  }

  #closeWhenDrained(): void {
    if (this.#state.kind === "draining" && this.#byAddress.total === 0) this.destroy(SHUT_DOWN);
  }

  #refuse(client: Socket, reason: CloseReason): void {
    client.destroy();
    this.#refused({ reason, address: peerAddress(client).host });
  }

  #refused(refusal: Refusal): void {
    this.#refusedTotal += 1;
    this.#options.onRefused?.(refusal);
  }
}

import type { Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import type { Clock, Timer } from "./clock.ts";
import { closeReasonFrom, type CloseReason } from "./close-reason.ts";
import { checkCloud } from "./cloud-check.ts";
import { dial } from "./dial.ts";
import { abortError, DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import type { GatewayNote } from "./gateway-note.ts";
import { nodeErrorCode } from "./node-error.ts";

/**
 * - `untried`: not checked yet; connections are dialled
 * - `up`: it answers; connections are dialled
 * - `down`: it does not, for this reason; only checked until it answers again
 */
export type CloudHealth =
  { readonly kind: "untried" } | { readonly kind: "up" } | { readonly kind: "down"; readonly why: CloseReason };

/** A cloud redirector behind a gateway. */
export interface GatewayCloud {
  readonly address: Address;
  readonly health: CloudHealth;
}

/** What a {@link CloudChoice} is made of. */
export interface CloudChoiceOptions {
  /** The cloud redirectors, the preferred first. */
  readonly clouds: readonly Address[];
  readonly clock: Clock;
  /** What the gateway says of itself, now. */
  readonly note: () => GatewayNote;
  /** Told when a cloud redirector's health has changed. Must not throw. */
  readonly onHealth: (cloud: GatewayCloud) => void;
  /** How long one may take to accept a connection, or to answer a check, in milliseconds. Default 3,000. */
  readonly timeoutMs?: number;
  /** From one check to the next while it is up, in milliseconds. Default 5,000. */
  readonly checkEveryMs?: number;
  /** The same while it is down. Default 1,000. */
  readonly retryEveryMs?: number;
}

interface Candidate {
  readonly address: Address;
  health: CloudHealth;
  timer: Timer | undefined;
}

/** What goes wrong on this machine says nothing of the one that is dialled. */
const OWN_TROUBLE = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"]);

const isOwnTrouble = ({ cause }: DrawbridgeError): boolean => OWN_TROUBLE.has(nodeErrorCode(cause) ?? "");

/** Dials the first of several cloud redirectors that is up. Checks all of them now and then. */
export class CloudChoice {
  readonly #options: Required<CloudChoiceOptions>;
  readonly #candidates: readonly Candidate[];
  readonly #stop = new AbortController();
  /** Those who wait for one that is up. */
  readonly #waiting = new Set<() => void>();

  constructor(options: CloudChoiceOptions) {
    this.#options = { timeoutMs: 3000, checkEveryMs: 5000, retryEveryMs: 1000, ...options };
    this.#candidates = options.clouds.map((address) => ({ address, health: { kind: "untried" }, timer: undefined }));
  }

  /** Begins to check. */
  start(): void {
    for (const candidate of this.#candidates) void this.#check(candidate);
  }

  /** Tells all that are not down what the gateway says of itself now; the checks that follow tell it again. */
  announce(): void {
    for (const candidate of this.#candidates) if (candidate.health.kind !== "down") void this.#check(candidate);
  }

  /** Ends the checks; dials end by their own signals. May be called twice. */
  stop(): void {
    this.#stop.abort(new DrawbridgeError("shutting-down", "the gateway shuts down"));
    for (const { timer } of this.#candidates) timer?.cancel();
  }

  /** The cloud redirectors, the preferred first. */
  list(): readonly GatewayCloud[] {
    return this.#candidates.map(({ address, health }) => ({ address, health }));
  }

  /**
   * Dials the first that is up; one that cannot be dialled is down, and the next one's turn comes. While none is up, waits
   * for one, no longer than a dial may take: so a short restart of a cloud redirector costs its clients no error.
   *
   * @throws DrawbridgeError `unavailable` when none came up; `dial-failed` when this machine has no means left to dial;
   * `cancelled`
   */
  async dial(signal: AbortSignal): Promise<Socket> {
    const { timeoutMs, clock } = this.#options;
    const deadline = clock.now() + timeoutMs;
    for (;;) {
      const socket = await this.#dialFirst(signal);
      if (socket !== undefined) return socket;
      await this.#someUp(deadline - clock.now(), signal);
    }
  }

  async #dialFirst(signal: AbortSignal): Promise<Socket | undefined> {
    const { timeoutMs, clock } = this.#options;
    for (const candidate of this.#candidates) {
      if (candidate.health.kind === "down") continue;
      try {
        return await dial(candidate.address, { timeoutMs, clock, signal });
      } catch (error) {
        const failure = toDrawbridgeError(error);
        if (signal.aborted || isOwnTrouble(failure)) throw failure;
        this.#learn(candidate, { kind: "down", why: closeReasonFrom(failure) });
        this.#checkLater(candidate);
      }
    }
    return undefined;
  }

  /** Waits until one comes up. Throws `unavailable` when none does in time. */
  async #someUp(withinMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(abortError(signal));
    const timer = this.#options.clock.setTimer(Math.max(0, withinMs), () => reject(this.#noneUp()));
    signal.addEventListener("abort", onAbort);
    this.#waiting.add(resolve);
    try {
      if (signal.aborted) onAbort();
      await promise;
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(resolve);
    }
  }

  #noneUp(): DrawbridgeError {
    const all = this.#candidates.map(({ address }) => formatAddress(address)).join(", ");
    return new DrawbridgeError("unavailable", `no cloud redirector is up (${all})`);
  }

  async #check(candidate: Candidate): Promise<void> {
    const { timeoutMs, clock, note } = this.#options;
    const { signal } = this.#stop;
    try {
      await checkCloud(candidate.address, { timeoutMs, clock, signal, note: note() });
      this.#learn(candidate, { kind: "up" });
    } catch (error) {
      if (signal.aborted) return;
      const failure = toDrawbridgeError(error);
      if (!isOwnTrouble(failure)) this.#learn(candidate, { kind: "down", why: closeReasonFrom(failure) });
    }
    if (!signal.aborted) this.#checkLater(candidate);
  }

  #checkLater(candidate: Candidate): void {
    const { clock, checkEveryMs, retryEveryMs } = this.#options;
    candidate.timer?.cancel();
    const delayMs = candidate.health.kind === "down" ? retryEveryMs : checkEveryMs;
    candidate.timer = clock.setTimer(delayMs, () => void this.#check(candidate));
  }

  #learn(candidate: Candidate, health: CloudHealth): void {
    const before = candidate.health;
    candidate.health = health;
    const isNews = before.kind !== health.kind || (before.kind === "down" && describe(before) !== describe(health));
    if (isNews) this.#options.onHealth({ address: candidate.address, health });
    if (health.kind === "up") for (const wake of this.#waiting) wake();
  }
}

const describe = (health: CloudHealth): string => (health.kind === "down" ? health.why.message : "");

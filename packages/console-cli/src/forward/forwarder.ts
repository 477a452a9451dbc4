import type { RemoteObserver, RemoteRedirector } from "@drawbridge/control/remote";
import { Backoff } from "@drawbridge/control/rpc";
import { type Clock, type CloseReason, closeReasonFrom, type ErrorCode, systemClock } from "@drawbridge/dataplane";
import { waitFor } from "../wait-for.ts";
import type { ForwardRule } from "./forward-rule.ts";

/** Where a forward stands. Times are of the clock that never jumps, in milliseconds. */
export type ForwardState =
  /** The session is being asked for. */
  | { readonly name: "opening" }
  /** A person at the tenant is being asked. */
  | { readonly name: "pending" }
  | { readonly name: "open"; readonly since: number; readonly remote: RemoteRedirector }
  /** It ended, or could not be opened, and is tried again. */
  | { readonly name: "waiting"; readonly until: number; readonly why: CloseReason }
  /** It is over: the same again would be refused again, or the operator ended it. */
  | { readonly name: "ended"; readonly why: CloseReason };

/** What a forward needs from the world. */
export interface ForwarderOptions {
  readonly rule: ForwardRule;
  /** Makes the remote redirector of one session. Errors: those of finding a gateway. */
  readonly makeRemote: (rule: ForwardRule, observer: RemoteObserver) => Promise<RemoteRedirector>;
  /** Told of each new state. Must not throw. */
  readonly onState: (rule: ForwardRule, state: ForwardState) => void;
  /** Told of what ended a session that is tried again. Must not throw. */
  readonly onLost: (remote: RemoteRedirector | undefined, why: CloseReason) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: as control connections have it. */
  readonly backoff?: Backoff;
}

/** Ends after which the same again may succeed. All others wait for a person: nobody is asked again and again. */
const WORTH_A_RETRY: ReadonlySet<ErrorCode> = new Set([
  "tenant-offline",
  "tenant-lost",
  "target-unreachable",
  "handshake-timeout",
  "dial-failed",
  "shutting-down",
  "unavailable",
  "limit-exceeded",
  "idle",
  "expired",
]);

/** Whether a session that ended so is opened again. */
export const isWorthARetry = ({ code }: CloseReason): boolean => WORTH_A_RETRY.has(code);

/** Asked anew: what was known of a signal before a wait is not known after it. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Keeps one local port open to one target, session after session. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  #state: ForwardState = { name: "opening" };

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? new Backoff();
  }

  get rule(): ForwardRule {
    return this.#options.rule;
  }

  get state(): ForwardState {
    return this.#state;
  }

  /** Runs until the signal fires or the end is not worth a retry. Never rejects. Returns why it ended. */
  async run(signal: AbortSignal): Promise<CloseReason> {
    for (;;) {
      const { why, heldMs } = await this.#session(signal);
      if (signal.aborted || !isWorthARetry(why)) return this.#end(why);
      const waitMs = this.#backoff.next(heldMs);
      this.#setState({ name: "waiting", until: this.#clock.now() + waitMs, why });
      await waitFor(waitMs, signal, this.#clock);
      if (isAborted(signal)) return this.#end({ code: "closed", message: "the operator ended it" });
    }
  }

  async #session(signal: AbortSignal): Promise<{ why: CloseReason; heldMs: number }> {
    this.#setState({ name: "opening" });
    let remote: RemoteRedirector | undefined;
    let openedAt: number | undefined;
    try {
      remote = await this.#options.makeRemote(this.rule, this.#observer);
      await remote.start(signal);
      openedAt = this.#clock.now();
      this.#setState({ name: "open", since: openedAt, remote });
      const why = await this.#untilOver(remote, signal);
      if (!signal.aborted) this.#options.onLost(remote, why);
      return { why, heldMs: this.#clock.now() - openedAt };
    } catch (error) {
      const why = closeReasonFrom(error);
      if (!signal.aborted) this.#options.onLost(remote, why);
      return { why, heldMs: 0 };
    }
  }

  async #untilOver(remote: RemoteRedirector, signal: AbortSignal): Promise<CloseReason> {
    const stop = (): void => void remote.stop({ code: "closed", message: "the operator ended it" });
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const { reason } = await remote.closed;
    signal.removeEventListener("abort", stop);
    return reason;
  }

  readonly #observer: RemoteObserver = {
    pending: () => this.#setState({ name: "pending" }),
    opened: () => {},
    linkOpened: () => {},
    linkClosed: () => {},
    clientRefused: () => {},
  };

  #end(why: CloseReason): CloseReason {
    this.#setState({ name: "ended", why });
    return why;
  }

  #setState(state: ForwardState): void {
    this.#state = state;
    this.#options.onState(this.rule, state);
  }
}

import type { CloseReason, Timer } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { WallClock } from "../../wire/wall-clock.ts";
import type { OfferedSession } from "../offers.ts";

/** A question to the people at the tenant. */
export interface ConsentRequest {
  offer: OfferedSession;
  /** Whether its links would go without end-to-end encryption. */
  plain: boolean;
  /** When it was asked, in milliseconds since the Unix epoch. */
  askedAt: number;
  /** How long it still stands, in milliseconds. */
  leftMs: number;
}

/** How a question was answered. */
export type ConsentOutcome =
  | { outcome: "approved"; by: string }
  | { outcome: "refused"; by: string; reason: CloseReason }
  | { outcome: "lapsed"; reason: CloseReason };

/** What consent requests are made of. */
export interface ConsentRequestsOptions {
  clock: WallClock;
  /** Called when a request comes or goes. Must not throw. */
  onChange: () => void;
  /** Requests at a time. Default 32. */
  maxPending?: number;
  /** Requests of one operator at a time. Default 8. */
  maxPendingPerOperator?: number;
}

interface Pending {
  offer: OfferedSession;
  plain: boolean;
  askedAt: number;
  deadline: number;
  lapse: Timer;
  decided: (outcome: ConsentOutcome) => void;
}

/** The questions that wait for a person at the tenant. Each is answered, lapses, or is withdrawn; exactly one of these. */
export class ConsentRequests {
  readonly #options: Required<ConsentRequestsOptions>;
  readonly #pending = new Map<string, Pending>();

  constructor(options: ConsentRequestsOptions) {
    this.#options = { maxPending: 32, maxPendingPerOperator: 8, ...options };
  }

  /**
   * Asks. `decided` is called once, later, unless the question is withdrawn.
   *
   * Errors: `limit-exceeded` where too many questions stand.
   *
   * @param withinMs how long the question stands, in milliseconds; then it lapses.
   * @param plain whether the links would go without end-to-end encryption.
   */
  ask(offer: OfferedSession, withinMs: number, decided: (outcome: ConsentOutcome) => void, plain = false): void {
    const { clock, onChange } = this.#options;
    this.#checkLimits(offer.operator);
    const lapse = clock.setTimer(withinMs, () => this.#decide(offer.sessionId, lapsed(withinMs)));
    const deadline = clock.now() + withinMs;
    this.#pending.set(offer.sessionId, { offer, plain, askedAt: clock.wallNow(), deadline, lapse, decided });
    onChange();
  }

  /** What is asked now, oldest first. */
  list(): ConsentRequest[] {
    const now = this.#options.clock.now();
    return [...this.#pending.values()].map(({ offer, plain, askedAt, deadline }) => ({
      offer,
      plain,
      askedAt,
      leftMs: Math.max(0, deadline - now),
    }));
  }

  has(sessionId: string): boolean {
    return this.#pending.has(sessionId);
  }

  /** Errors: `session-not-found` where no such question stands (any more). */
  approve(sessionId: string, by: string): OfferedSession {
    return this.#answer(sessionId, { outcome: "approved", by });
  }

  /**
   * Errors: `session-not-found` where no such question stands (any more).
   * @param text for the operator; may be empty.
   */
  refuse(sessionId: string, by: string, text: string): OfferedSession {
    const message = text === "" ? "the tenant refused this session" : `the tenant refused this session: ${text}`;
    return this.#answer(sessionId, { outcome: "refused", by, reason: { code: "consent-refused", message } });
  }

  /** Takes a question back: nobody needs its answer any more. Returns whether it stood. */
  withdraw(sessionId: string): OfferedSession | undefined {
    return this.#take(sessionId)?.offer;
  }

  #answer(sessionId: string, outcome: ConsentOutcome): OfferedSession {
    const request = this.#decide(sessionId, outcome);
    if (request !== undefined) return request.offer;
    throw new DrawbridgeError("session-not-found", `no request ${sessionId} waits for an answer`, {
      remedy: "It may have lapsed, or the operator has given up: see `drawbridge tenant requests`.",
    });
  }

  #decide(sessionId: string, outcome: ConsentOutcome): Pending | undefined {
    const request = this.#take(sessionId);
    request?.decided(outcome);
    return request;
  }

  #take(sessionId: string): Pending | undefined {
    const request = this.#pending.get(sessionId);
    if (request === undefined) return undefined;
    this.#pending.delete(sessionId);
    request.lapse.cancel();
    this.#options.onChange();
    return request;
  }

  #checkLimits(operator: string): void {
    const { maxPending, maxPendingPerOperator } = this.#options;
    const own = [...this.#pending.values()].filter(({ offer }) => offer.operator === operator).length;
    if (this.#pending.size < maxPending && own < maxPendingPerOperator) return;
    const whose = own >= maxPendingPerOperator ? `of ${operator} ` : "";
    throw new DrawbridgeError("limit-exceeded", `too many requests ${whose}wait for an answer at the tenant already`, {
      remedy: "Wait until the tenant has answered, or reach it by telephone.",
    });
  }
}

function lapsed(withinMs: number): ConsentOutcome {
  const message = `nobody at the tenant answered within ${Math.round(withinMs / 1000)} s`;
  const remedy = "Reach the tenant by telephone and try again.";
  return { outcome: "lapsed", reason: { code: "consent-expired", message, remedy } };
}

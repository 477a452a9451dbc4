import type { CloseReason } from "@drawbridge/dataplane";
import { closeReasonFrom } from "@drawbridge/dataplane";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AccessPolicy, FreeTargetAccess } from "./access-policy.ts";
import type { OfferedSession } from "./offers.ts";
import type { PolicyVerdict } from "./policy/policy.ts";
import type { TenantSessionObserver } from "./tenant-session-observer.ts";

/** What a program decides on: a session that an operator asks for. */
export interface SessionQuestion extends Pick<
  OfferedSession,
  | "sessionId"
  | "operator"
  | "operatorRole"
  | "operatorKeyFingerprint"
  | "target"
  | "reason"
  | "ticket"
  | "sourceAddress"
> {
  /** Whether the policy file wants a person to be asked. */
  readonly wantsPerson: boolean;
  /** How long the question stands, in milliseconds; then the session is refused. */
  readonly withinMs: number;
}

/**
 * What a program decides.
 *
 * - `allow`: the session opens. Where a person has to be asked, `by` names the one who was; without it, a person is still
 *   asked as with `ask`.
 * - `refuse`: it does not; the operator sees the reason.
 * - `ask`: the question stands for a person, who answers with `drawbridge tenant approve` or `refuse`.
 */
export type SessionDecision =
  { decision: "allow"; by?: string } | { decision: "refuse"; reason?: string } | { decision: "ask" };

/**
 * Decides on a session, now or later. A throw refuses it.
 *
 * @param signal fires when nobody needs the answer any more: it is late, or the operator has given up.
 */
export type Decide = (question: SessionQuestion, signal: AbortSignal) => SessionDecision | Promise<SessionDecision>;

/** Where the questions stand; see `ConsentRequests`. */
export interface DecisionPort {
  has(sessionId: string): boolean;
  approve(sessionId: string, by: string): unknown;
  refuse(sessionId: string, by: string, text: string): unknown;
}

/** Who has decided, in the audit logs, where the program names nobody. */
const PROGRAM = "the tenant's program";

/** As many characters of a name and of a reason as the contract has room for, whatever they are, in 255 and 1,024 bytes. */
const MOST_NAME = 63;
const MOST_TEXT = 200;

/** A policy that asks a program about each session that another policy does not deny. */
export class ProgramDecision implements AccessPolicy {
  readonly #policy: AccessPolicy;
  readonly #decide: Decide;
  readonly #withinMs: number;
  readonly #log: Log;
  readonly #clock: WallClock;
  readonly #asking = new Map<string, AbortController>();

  /** @param withinMs how long a question stands that the policy itself would not ask, in milliseconds. */
  constructor(policy: AccessPolicy, decide: Decide, withinMs: number, log: Log, clock: WallClock) {
    this.#policy = policy;
    this.#decide = decide;
    this.#withinMs = withinMs;
    this.#log = log;
    this.#clock = clock;
  }

  judge(offer: OfferedSession, at: number): PolicyVerdict {
    const verdict = this.#policy.judge(offer, at);
    if (verdict.verdict !== "allow") return verdict;
    return {
      ...verdict,
      verdict: "ask",
      because: `${verdict.because}; the program is asked`,
      timeoutMs: this.#withinMs,
    };
  }

  obstacle(): CloseReason | undefined {
    return this.#policy.obstacle();
  }

  /** The program is asked once it is known where the target is. */
  get freeTargets(): FreeTargetAccess | undefined {
    return this.#policy.freeTargets;
  }

  /** Asks the program when a question begins to stand, and tells it when nobody needs the answer. */
  observer(port: () => DecisionPort): TenantSessionObserver {
    const over = (offer: OfferedSession): void => this.#over(offer.sessionId);
    return {
      sessionOffered: () => {},
      sessionPending: (offer, _because, withinMs) => void this.#ask(port(), offer, withinMs),
      sessionOpened: over,
      sessionRefused: over,
      sessionWithdrawn: over,
      sessionEnded: () => {},
      linkOpened: () => {},
      linkClosed: () => {},
    };
  }

  #over(sessionId: string): void {
    this.#asking.get(sessionId)?.abort();
    this.#asking.delete(sessionId);
  }

  async #ask(port: DecisionPort, offer: OfferedSession, withinMs: number): Promise<void> {
    const { sessionId } = offer;
    const askedAt = this.#clock.wallNow();
    const wantsPerson = (): boolean => this.#policy.judge(offer, askedAt).verdict !== "allow";
    const abort = new AbortController();
    this.#asking.set(sessionId, abort);
    const decision = await this.#decided({ ...questionOf(offer), wantsPerson: wantsPerson(), withinMs }, abort.signal);
    // Also where the program has not looked at the signal.
    if (abort.signal.aborted || !port.has(sessionId)) return;
    if (decision.decision === "refuse") port.refuse(sessionId, PROGRAM, (decision.reason ?? "").slice(0, MOST_TEXT));
    // Looked at again, because the policy may have been read again meanwhile.
    else if (decision.decision === "allow" && (decision.by !== undefined || !wantsPerson())) {
      port.approve(sessionId, (decision.by ?? PROGRAM).slice(0, MOST_NAME));
    }
  }

  async #decided(question: SessionQuestion, signal: AbortSignal): Promise<SessionDecision> {
    try {
      // Later, so that the question is known to everybody before its answer is.
      await Promise.resolve();
      return await this.#decide(question, signal);
    } catch (err) {
      const { message } = closeReasonFrom(err);
      if (!signal.aborted) {
        this.#log.error({ event: "decision-failed", session: question.sessionId, err }, `refused: ${message}`);
      }
      return { decision: "refuse", reason: "it could not be decided" };
    }
  }
}

function questionOf(offer: OfferedSession): Omit<SessionQuestion, "wantsPerson" | "withinMs"> {
  const { sessionId, operator, operatorRole, operatorKeyFingerprint, target, reason, ticket, sourceAddress } = offer;
  return { sessionId, operator, operatorRole, operatorKeyFingerprint, target, reason, ticket, sourceAddress };
}

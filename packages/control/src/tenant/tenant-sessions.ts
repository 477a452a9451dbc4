import type { CloseReason } from "@drawbridge/dataplane";
import { closeReasonFrom } from "@drawbridge/dataplane";
import { isFreeTarget, readFreeTarget } from "../wire/free-target.ts";
import { NO_SPAN } from "../watching/span.ts";
import { targetServerName } from "../wire/target-server-name.ts";
import type { ConsentOutcome } from "./consent/consent-requests.ts";
import { ConsentRequests } from "./consent/consent-requests.ts";
import type { Consent, OfferedLink, OfferedSession } from "./offers.ts";
import { OpenSession } from "./open-session.ts";
import { openTarget, type SessionTarget } from "./open-target.ts";
import { PlaceSearch } from "./place-search.ts";
import { goesPlain, plainPermitFor, stillPermitted } from "./plain-terms.ts";
import type { PolicyVerdict, SessionBounds } from "./policy/policy.ts";
import { NO_LONGER_PLAIN, NOT_CONSENTED, noTarget, targetGone } from "./session-refusals.ts";
import { type AnyTargets, namesGone } from "./targets.ts";
import { TenantLink } from "./tenant-link.ts";
import type { AnswerPort, TenantSessionsOptions } from "./tenant-sessions-options.ts";

export type { AnswerPort, TenantSessionsOptions };

/** What is offered, asked and open, and the links. Open sessions outlive a lost control connection. */
export class TenantSessions {
  /** The questions that wait for a person. */
  readonly requests: ConsentRequests;
  readonly #options: Required<Omit<TenantSessionsOptions, "resolve">>;
  /** The free targets that are looked up. */
  readonly #searches: PlaceSearch;
  #targets: AnyTargets;
  readonly #sessions = new Map<string, OpenSession>();
  /** Sessions that are over, but for the last of their links. */
  readonly #ending = new Set<Promise<void>>();
  #port: AnswerPort | undefined;
  /** Whether a leg of this control connection's time got through; before, nobody knows whether raw ones do at all. */
  #legsGetThrough = false;

  constructor(options: TenantSessionsOptions) {
    const { onRequestsChange = () => {}, traceLink = () => NO_SPAN, clock, resolve } = options;
    const limits = { maxLinksPerSession: 64, maxLinks: 4_096, maxSessions: 1_024 };
    this.#options = { ...limits, ...options, onRequestsChange, traceLink };
    this.#targets = options.targets;
    this.requests = new ConsentRequests({ clock, onChange: onRequestsChange });
    this.#searches = new PlaceSearch({ clock, ...(resolve && { resolve }) });
  }

  /** The ids of the sessions that are open. */
  ids(): string[] {
    return [...this.#sessions.keys()];
  }

  /** The ids of the sessions that were offered and are not decided yet. */
  undecided(): string[] {
    const asked = this.requests.list().map(({ offer }) => offer);
    return [...asked, ...this.#searches.list()].map(({ sessionId }) => sessionId);
  }

  /** The sessions that are open, oldest first. */
  list(): OpenSession[] {
    return [...this.#sessions.values()];
  }

  /**
   * Answers go to this control connection from now on, or nowhere. With a connection that is lost go the questions that
   * came over it, since the cloud redirector no longer waits for their answers.
   */
  connectTo(port: AnswerPort | undefined): void {
    this.#port = port;
    if (port !== undefined) return;
    this.#legsGetThrough = false;
    const reason: CloseReason = { code: "tenant-lost", message: "the control connection was lost" };
    this.#withdrawAll(reason);
  }

  /** Decides on an offer by the tenant's policy, or asks a person. */
  offered(offer: OfferedSession): void {
    this.#options.observer.sessionOffered(offer);
    const obstacle = this.#obstacle(offer);
    if (obstacle !== undefined) return this.#refuse(offer, obstacle, "limit");
    if (isFreeTarget(offer.target)) return this.#search(offer);
    const target = this.#targets.get(offer.target);
    if (target === undefined) return this.#refuse(offer, noTarget(offer.target), "targets");
    this.#decide(offer, target);
  }

  /** Judges all that is open or asked anew, because the policy has changed. What it does not allow any more ends. */
  review(): void {
    const { policy } = this.#options;
    for (const session of this.list()) {
      const verdict = policy.judge(session.offer, session.offeredAt);
      if (verdict.verdict === "deny") this.end(session.offer.sessionId, verdict.reason);
      else if (verdict.verdict === "ask" && session.consent.by === "policy") {
        this.end(session.offer.sessionId, NOT_CONSENTED);
      } else if (session.plain && !goesPlain(session.offer, verdict)) {
        this.end(session.offer.sessionId, NO_LONGER_PLAIN);
      } else this.#limit(session, verdict.maxSessionMs);
    }
    for (const { offer, askedAt } of this.requests.list()) {
      const verdict = policy.judge(offer, askedAt);
      if (verdict.verdict === "deny") this.#takeBack(offer, verdict.reason, verdict.because);
    }
  }

  /** The targets are others: ends what is open or asked for one that is gone, or leads elsewhere now. */
  replaceTargets(targets: AnyTargets): void {
    const gone = namesGone(this.#targets, targets);
    this.#targets = targets;
    for (const { offer } of [...this.list(), ...this.requests.list()]) {
      if (!gone.has(offer.target)) continue;
      this.end(offer.sessionId, targetGone(offer.target));
      this.#takeBack(offer, targetGone(offer.target), "targets");
    }
  }

  /** Makes this end of a link, in a session that was accepted and not closed since. */
  linkOffered(offer: OfferedLink): void {
    const { maxLinks, maxLinksPerSession } = this.#options;
    const session = this.#sessions.get(offer.sessionId);
    const refuse = (reason: CloseReason): void => this.#port?.linkRefused(offer.linkId, reason);
    if (session === undefined) {
      return refuse({ code: "session-not-found", message: `the tenant has no session ${offer.sessionId}` });
    }
    if (session.links.has(offer.linkId) || session.links.size >= maxLinksPerSession) {
      return refuse({ code: "limit-exceeded", message: "the session has too many links at the tenant" });
    }
    if (this.list().reduce((sum, { links }) => sum + links.size, 0) >= maxLinks) {
      return refuse({ code: "limit-exceeded", message: `the tenant has ${maxLinks} links open` });
    }
    this.#startLink(session, offer);
  }

  /** A session is over, or its offer is withdrawn. An id that is not known is ignored. */
  close(sessionId: string, reason: CloseReason): void {
    this.#withdraw(sessionId, reason);
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    const over = session.end(reason).then((totals) => {
      this.#ending.delete(over);
      this.#options.observer.sessionEnded(session.offer, reason, totals);
    });
    this.#ending.add(over);
  }

  /** Ends a session from this side. */
  end(sessionId: string, reason: CloseReason): void {
    if (!this.#sessions.has(sessionId)) return;
    this.#port?.closeSession(sessionId, reason);
    this.close(sessionId, reason);
  }

  /** Ends all sessions and takes all questions back; resolves when every link is over. */
  async closeAll(reason: CloseReason): Promise<void> {
    this.#withdrawAll(reason);
    for (const id of this.ids()) this.close(id, reason);
    await this.settled();
  }

  /** Resolves when the links of all sessions that have ended so far are over. */
  async settled(): Promise<void> {
    await Promise.all(this.#ending);
  }

  #obstacle({ sessionId }: OfferedSession): CloseReason | undefined {
    const { maxSessions, policy } = this.#options;
    if (this.#sessions.has(sessionId) || this.requests.has(sessionId) || this.#searches.has(sessionId)) {
      return { code: "protocol-violation", message: `the session ${sessionId} was offered twice` };
    }
    if (this.#sessions.size < maxSessions) return policy.obstacle();
    return { code: "limit-exceeded", message: `the tenant has ${maxSessions} sessions open` };
  }

  /** Finds out where a free target is, if its policy may permit it, and decides then. */
  #search(offer: OfferedSession): void {
    const { freeTargets } = this.#options.policy;
    if (freeTargets === undefined) return this.#refuse(offer, noTarget(offer.target), "targets");
    try {
      const target = readFreeTarget(offer.target);
      const refusal = freeTargets.refusalBeforeLookUp(offer, target, this.#options.clock.wallNow());
      if (refusal !== undefined) return this.#refuse(offer, refusal.reason, refusal.because);
      this.#searches.begin(offer, target, (found) => {
        if ("addresses" in found) this.#decide({ ...offer, place: found }, found);
        else this.#refuse(offer, found, "look-up");
      });
    } catch (error) {
      this.#refuse(offer, closeReasonFrom(error), "limit");
    }
  }

  #decide(offer: OfferedSession, target: SessionTarget): void {
    const { policy, clock } = this.#options;
    const offeredAt = clock.wallNow();
    const verdict = policy.judge(offer, offeredAt);
    switch (verdict.verdict) {
      case "allow":
        return this.#open(offer, target, { by: "policy", because: verdict.because }, offeredAt, verdict);
      case "deny":
        return this.#refuse(offer, verdict.reason, verdict.because);
      case "ask":
        return this.#ask(offer, target, offeredAt, verdict);
    }
  }

  #ask(
    offer: OfferedSession,
    target: SessionTarget,
    offeredAt: number,
    verdict: PolicyVerdict & { verdict: "ask" },
  ): void {
    const { because, timeoutMs } = verdict;
    const withinMs = Math.min(timeoutMs, offer.answerWithinMs);
    const decided = (outcome: ConsentOutcome): void => {
      if (outcome.outcome === "lapsed") return this.#refuse(offer, outcome.reason, "nobody");
      if (outcome.outcome === "refused") return this.#refuse(offer, outcome.reason, outcome.by);
      const bounds = stillPermitted(offer, verdict, this.#options.policy.judge(offer, offeredAt));
      this.#open(offer, target, { by: "person", name: outcome.by }, offeredAt, bounds);
    };
    try {
      this.requests.ask(offer, withinMs, decided, goesPlain(offer, verdict));
    } catch (error) {
      return this.#refuse(offer, closeReasonFrom(error), "limit");
    }
    this.#options.observer.sessionPending(offer, because, withinMs);
    this.#port?.answerSession(offer.sessionId, { decision: "pending", withinMs });
  }

  #open(offer: OfferedSession, target: SessionTarget, consent: Consent, at: number, bounds: SessionBounds): void {
    // Looked at again, because a person may have taken a while.
    const obstacle = this.#obstacle(offer);
    if (obstacle !== undefined) return this.#refuse(offer, obstacle, "limit");
    const plainPermit = plainPermitFor(this.#options.identity(), offer, bounds);
    const terms = { consent, plain: plainPermit !== undefined };
    const session = new OpenSession(offer, target, terms, at, this.#options.clock);
    this.#sessions.set(offer.sessionId, session);
    this.#limit(session, bounds.maxSessionMs);
    this.#options.observer.sessionOpened(offer, terms);
    this.#port?.answerSession(offer.sessionId, {
      decision: "accepted",
      consent,
      plainPermit,
      // Of a leg that nothing is expected from, silence does not tell whether it has arrived.
      linksAhead: this.#legsGetThrough && !terms.plain ? MOST_LINKS_AHEAD : 0,
    });
  }

  #limit(session: OpenSession, maxSessionMs: number | undefined): void {
    const message = "the session has lasted as long as the tenant's policy allows";
    session.limitTo(maxSessionMs, () => this.end(session.offer.sessionId, { code: "expired", message }));
  }

  #refuse(offer: OfferedSession, reason: CloseReason, by: string): void {
    this.#options.observer.sessionRefused(offer, reason, by);
    this.#port?.answerSession(offer.sessionId, { decision: "refused", reason });
  }

  #takeBack(offer: OfferedSession, reason: CloseReason, by: string): void {
    if (this.requests.withdraw(offer.sessionId) !== undefined) this.#refuse(offer, reason, by);
  }

  #withdraw(sessionId: string, reason: CloseReason): void {
    const offer = this.requests.withdraw(sessionId) ?? this.#searches.withdraw(sessionId);
    if (offer !== undefined) this.#options.observer.sessionWithdrawn(offer, reason);
  }

  #withdrawAll(reason: CloseReason): void {
    for (const sessionId of this.undecided()) this.#withdraw(sessionId, reason);
  }

  #startLink(session: OpenSession, offered: OfferedLink): void {
    const { identity, observer, dialLeg, traceLink } = this.#options;
    const { linkId, token, rendezvousAddress, ahead } = offered;
    const { sessionId, operator, operatorKeyFingerprint, target } = session.offer;
    const asked = { sessionId, linkId, operator, target };
    const link = new TenantLink({
      linkId,
      target: { name: target, open: (signal) => openTarget(session.target, asked, signal) },
      dialLeg: (signal) => dialLeg(rendezvousAddress, token, signal),
      identity: identity(),
      operator: { name: operator, keyFingerprint: operatorKeyFingerprint },
      serverName: targetServerName(sessionId, target),
      plain: session.plain,
      ahead: ahead && !session.plain,
      span: traceLink(session.offer, offered),
      onNeeded: () => (session.totals.links += 1),
      onDialled: () => {
        this.#port?.linkAccepted(linkId);
        observer.linkOpened(session.offer, linkId, session.plain);
      },
      onThrough: () => (this.#legsGetThrough = true),
    });
    session.add(linkId, link);
    void link.closed.then((end) => {
      session.remove(linkId, end);
      if (end.outcome === "refused") this.#port?.linkRefused(linkId, end.reason);
      if (end.outcome === "unused") return;
      observer.linkClosed(session.offer, linkId, end);
    });
  }
}

/** Of one session, as many as the contract has. */
const MOST_LINKS_AHEAD = 4;

import type { Address, CloseReason } from "@drawbridge/dataplane";
import { parseAddress } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { AccessPolicy } from "./access-policy.ts";
import type { OfferedLink, OfferedSession, PolicyDecision } from "./offers.ts";
import type { TenantTargets } from "./targets.ts";
import type { TenantLinkEnd } from "./tenant-link.ts";
import { TenantLink } from "./tenant-link.ts";

/** The way back to the cloud redirector: the control connection that is there now. */
export interface AnswerPort {
  answerSession(sessionId: string, answer: PolicyDecision): void;
  linkAccepted(linkId: string): void;
  linkRefused(linkId: string, reason: CloseReason): void;
}

/** Told of what sessions do. Must not throw. */
export interface TenantSessionObserver {
  sessionOpened(offer: OfferedSession): void;
  sessionRefused(offer: OfferedSession, reason: CloseReason): void;
  sessionEnded(offer: OfferedSession, reason: CloseReason): void;
  linkOpened(offer: OfferedSession, linkId: string): void;
  linkClosed(offer: OfferedSession, linkId: string, end: TenantLinkEnd): void;
}

/** What the sessions of a tenant redirector are made of. */
export interface TenantSessionsOptions {
  identity: EnrolledIdentity;
  targets: TenantTargets;
  policy: AccessPolicy;
  observer: TenantSessionObserver;
  /** Links of one session at a time. Default 64. */
  maxLinksPerSession?: number;
  /** Sessions at a time. Default 1,024, as many as a hello can hold. */
  maxSessions?: number;
}

interface OpenSession {
  offer: OfferedSession;
  target: Address;
  links: Map<string, TenantLink>;
}

/** The sessions that this tenant has accepted, and their links. They outlive a lost control connection. */
export class TenantSessions {
  readonly #options: Required<TenantSessionsOptions>;
  readonly #sessions = new Map<string, OpenSession>();
  #port: AnswerPort | undefined;
  #cloudAddress = "";

  constructor(options: TenantSessionsOptions) {
    this.#options = { maxLinksPerSession: 64, maxSessions: 1_024, ...options };
  }

  /** The ids of the sessions that are open. */
  ids(): string[] {
    return [...this.#sessions.keys()];
  }

  /** Answers go to this control connection from now on, or nowhere. */
  connectTo(port: AnswerPort | undefined, cloudAddress: string): void {
    this.#port = port;
    this.#cloudAddress = cloudAddress;
  }

  /** Decides on an offer by the tenant's policy. */
  offered(offer: OfferedSession): void {
    const { policy, observer, targets, maxSessions } = this.#options;
    const target = targets.get(offer.target);
    const decision = this.#sessions.size >= maxSessions ? tooMany(maxSessions) : policy.decide(offer);
    if (decision.decision === "refused") observer.sessionRefused(offer, decision.reason);
    if (decision.decision === "accepted" && target !== undefined) {
      this.#sessions.set(offer.sessionId, { offer, target, links: new Map() });
      observer.sessionOpened(offer);
    }
    this.#port?.answerSession(offer.sessionId, decision);
  }

  /** Makes this end of a link, in a session that was accepted and not closed since. */
  linkOffered(offer: OfferedLink): void {
    const session = this.#sessions.get(offer.sessionId);
    const refuse = (reason: CloseReason): void => this.#port?.linkRefused(offer.linkId, reason);
    if (session === undefined) {
      return refuse({ code: "session-not-found", message: `the tenant has no session ${offer.sessionId}` });
    }
    if (session.links.has(offer.linkId) || session.links.size >= this.#options.maxLinksPerSession) {
      return refuse({ code: "limit-exceeded", message: "the session has too many links at the tenant" });
    }
    this.#startLink(session, offer);
  }

  /** Ends a session and its links. An id that is not known is ignored. */
  close(sessionId: string, reason: CloseReason): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    this.#sessions.delete(sessionId);
    for (const link of session.links.values()) link.destroy(reason);
    this.#options.observer.sessionEnded(session.offer, reason);
  }

  /** Ends all sessions; resolves when every link is over. */
  async closeAll(reason: CloseReason): Promise<void> {
    const links = [...this.#sessions.values()].flatMap((session) => [...session.links.values()]);
    for (const id of this.ids()) this.close(id, reason);
    await Promise.all(links.map((link) => link.closed));
  }

  #startLink(session: OpenSession, { linkId, token, rendezvousAddress }: OfferedLink): void {
    const { identity, observer } = this.#options;
    const { operator, operatorKeyFingerprint, target } = session.offer;
    const link = new TenantLink({
      linkId,
      target: { name: target, address: session.target },
      rendezvous: parseAddress(rendezvousAddress === "" ? this.#cloudAddress : rendezvousAddress),
      token,
      identity,
      operator: { name: operator, keyFingerprint: operatorKeyFingerprint },
      onDialled: () => {
        this.#port?.linkAccepted(linkId);
        observer.linkOpened(session.offer, linkId);
      },
    });
    session.links.set(linkId, link);
    void link.closed.then((end) => {
      session.links.delete(linkId);
      if (end.outcome === "refused") this.#port?.linkRefused(linkId, end.reason);
      observer.linkClosed(session.offer, linkId, end);
    });
  }
}

function tooMany(limit: number): PolicyDecision {
  return { decision: "refused", reason: { code: "limit-exceeded", message: `the tenant has ${limit} sessions open` } };
}

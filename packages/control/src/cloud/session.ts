import type { CloseReason, Timer } from "@drawbridge/dataplane";
import { closeReason, closeReasonFrom, DrawbridgeError, limitReason } from "@drawbridge/dataplane";
import { TimeBox, type TimeLimits } from "./time-box.ts";
import { counted } from "../wire/counted.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { byteAttributes, type Span } from "../watching/span.ts";
import type {
  LinkNews,
  LinkPlace,
  LinkPlaces,
  RemotePort,
  SessionBytes,
  SessionOperator,
  SessionPurpose,
  TenantPort,
} from "./ports.ts";
import {
  isUnused,
  MOST_LINKS_AHEAD,
  type OpenLink,
  type SessionAcceptance,
  type SessionDecision,
  type SessionState,
  withoutFirstByte,
} from "./session-state.ts";

export type { SessionDecision, SessionState } from "./session-state.ts";

/** What a session needs from its surroundings. */
export interface SessionContext {
  clock: WallClock;
  links: LinkPlaces;
  remote: RemotePort;
  /** The tenant's control connection now, or undefined while the tenant is offline. */
  tenantPort: () => TenantPort | undefined;
  tenantKeyFingerprint: string;
  newLinkId: () => string;
  /** Where legs are dialled; empty for the address at which each peer reached the control plane. */
  rendezvousAddress: string;
  answerWithinMs: number;
  /** The longest time that a tenant may ask a person for, in milliseconds. */
  consentWithinMs: number;
  maxLinks: number;
  timeLimits: TimeLimits;
  /** Of an operator that asks for plain links; otherwise empty. */
  plainNonce: Uint8Array;
  /** How many links the operator wants to have ready before it needs them. */
  linksAhead: number;
  /** The session in a trace. */
  span: Span;
  /** Called at each change that others can see: state, number of links. */
  onChange: (session: Session) => void;
  /** Called when a person at the tenant is being asked, for so many milliseconds. */
  onConsentAsked: (session: Session, withinMs: number) => void;
  /** Called at each change of a link. */
  onLink: (session: Session, news: LinkNews) => void;
}

/** One operator's authorised access to one target of one tenant. Pure state: the world is reached through ports. */
export class Session {
  readonly id: string;
  readonly operator: SessionOperator;
  readonly purpose: SessionPurpose;
  readonly startedAt: number;
  readonly #context: SessionContext;
  readonly #links = new Map<string, OpenLink>();
  readonly #consent: Span;
  /** Bytes of the links that are over. */
  readonly #past: SessionBytes = { toTenant: 0, toRemote: 0 };
  #state: SessionState;
  #consentUntil: number | undefined;
  /** Tells when somebody else will end it, and why; undefined: nobody will. */
  #foretell: (() => void) | undefined;
  /** How many links may be ready that nobody needs yet. */
  #linksAhead = 0;

  /** Creates the session as pending; `offer` shows it to the tenant. */
  constructor(id: string, operator: SessionOperator, purpose: SessionPurpose, context: SessionContext) {
    this.id = id;
    this.operator = operator;
    this.purpose = purpose;
    this.#context = context;
    this.startedAt = context.clock.wallNow();
    this.#consent = context.span.begin("consent");
    // Nobody was asked yet: this is no missing consent, but a tenant that does not react.
    const silent = `the tenant redirector of ${purpose.tenant} did not answer`;
    const lapse = this.#lapseAfter(context.answerWithinMs, "handshake-timeout", silent);
    this.#state = { name: "pending", lapse };
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Without those that are only kept ready. */
  get openLinks(): number {
    return [...this.#links.values()].filter((link) => !isUnused(link)).length;
  }

  /** What has gone through all links so far. */
  bytes(): SessionBytes {
    const total = { ...this.#past };
    for (const { place } of this.#links.values()) {
      const counts = place.counts();
      total.toTenant += counts.toTenant;
      total.toRemote += counts.toRemote;
    }
    return total;
  }

  /** Tells the operator, once the session is open, that it will be over within so many milliseconds from now. */
  tellEnding(withinMs: number, reason: CloseReason): void {
    const { clock, remote } = this.#context;
    const until = clock.now() + withinMs;
    this.#foretell = () => remote.ending(Math.max(0, until - clock.now()), reason);
    if (this.#state.name === "open") this.#foretell();
  }

  /** Shows the session to the tenant. */
  offer(): void {
    const port = this.#context.tenantPort();
    if (port === undefined) {
      this.end({ code: "tenant-offline", message: `tenant ${this.purpose.tenant} went offline` });
      return;
    }
    // The contract's answer_within is for the final answer; a first one, perhaps `pending`, has to come sooner.
    const { consentWithinMs } = this.#context;
    port.offerSession({
      ...this.purpose,
      sessionId: this.id,
      operator: this.operator,
      answerWithinMs: consentWithinMs,
      plainNonce: this.#context.plainNonce,
      traceparent: this.#context.span.traceparent,
    });
  }

  /** Takes the tenant's decision. One that comes too late is ignored. */
  decide(decision: SessionDecision): void {
    if (this.#state.name !== "pending") return;
    const { remote, consentWithinMs } = this.#context;
    switch (decision.decision) {
      case "accepted":
        this.#open(decision);
        for (let count = 0; count < this.#linksAhead; count += 1) this.requestLink(0, { ahead: true });
        break;
      case "pending": {
        const { clock } = this.#context;
        // Counted from the first question: a tenant that keeps asking must not keep the session waiting for ever.
        this.#consentUntil ??= clock.now() + consentWithinMs;
        const withinMs = Math.min(Math.max(decision.withinMs, 0), this.#consentUntil - clock.now());
        const nobody = `nobody at tenant ${this.purpose.tenant} answered`;
        this.#enter({ name: "pending", lapse: this.#lapseAfter(withinMs, "consent-expired", nobody) });
        remote.pending(this.id, withinMs);
        this.#context.onConsentAsked(this, withinMs);
        break;
      }
      case "refused":
        this.end(decision.reason);
        break;
    }
  }

  /**
   * Makes one more link: a ticket for the remote redirector and an offer to the tenant, at the same time.
   *
   * @param options `traceparent`: where the remote redirector says that the link belongs in a trace; may be empty. `ahead`:
   *   nobody needs it yet.
   */
  requestLink(requestId: number, { traceparent = "", ahead = false } = {}): void {
    const { links, remote, maxLinks, newLinkId } = this.#context;
    const refuse = (reason: CloseReason): void => {
      remote.linkRefused(requestId, "", reason);
      this.#context.onLink(this, { what: "refused", linkId: "", reason });
    };
    if (this.#state.name !== "open") return refuse(closeReason("protocol-violation", "the session is not open"));
    if (this.#links.size >= maxLinks)
      return refuse(limitReason("linksPerSession", `the session has ${counted(maxLinks, "link")} already`));
    if (ahead && [...this.#links.values()].filter(isUnused).length >= this.#linksAhead)
      return refuse(closeReason("limit-exceeded", "the session may have no more links ahead"));
    const port = this.#context.tenantPort();
    if (port === undefined) return refuse(closeReason("tenant-offline", `tenant ${this.purpose.tenant} is offline`));
    let place: LinkPlace;
    try {
      place = links.expect({ linkId: newLinkId(), tenant: this.purpose.tenant, session: this.id });
    } catch (error) {
      if (error instanceof DrawbridgeError) return refuse(closeReasonFrom(error));
      throw error;
    }
    this.#linkBegins({ requestId, place, ahead }, port, traceparent);
  }

  #linkBegins({ requestId, place, ahead }: Omit<OpenLink, "span">, port: TenantPort, parent: string): void {
    const { remote, rendezvousAddress, span: session } = this.#context;
    const { linkId, expiresInMs } = place;
    const attributes = { "drawbridge.session": this.id, "drawbridge.link": linkId };
    const span = session.begin("link", { attributes, parent });
    this.#links.set(linkId, { place, requestId, ahead, span });
    void place.closed.then((end) => this.#linkOver(linkId, end));
    void place.paired.then(({ outcome }) => {
      if (outcome === "paired") this.#linkPaired(linkId);
    });
    this.#context.onLink(this, { what: "requested", linkId });
    const offered = { linkId, token: place.tenantToken, rendezvousAddress, expiresInMs };
    port.offerLink(this.id, offered, { traceparent: span.traceparent, ahead });
    remote.linkTicket(requestId, { linkId, token: place.remoteToken, rendezvousAddress, expiresInMs });
    this.#context.onChange(this);
  }

  #linkPaired(linkId: string): void {
    const link = this.#links.get(linkId);
    if (link === undefined) return;
    const setUp = link.place.setUp();
    const { firstLegMs = 0, pairedMs = 0 } = setUp;
    link.span.step("wait for the first leg", 0, firstLegMs);
    link.span.step("wait for the second leg", firstLegMs, pairedMs);
    this.#context.onLink(this, { what: "paired", linkId, setUp });
  }

  /** The tenant could not make its leg. */
  linkRefused(linkId: string, reason: CloseReason): void {
    const link = this.#links.get(linkId);
    if (link === undefined) return;
    this.#links.delete(linkId);
    const { toTenant, toRemote } = link.place.counts();
    this.#past.toTenant += toTenant;
    this.#past.toRemote += toRemote;
    link.place.close(reason);
    link.span.end(reason);
    this.#context.remote.linkRefused(link.requestId, linkId, reason);
    this.#context.onLink(this, { what: "refused", linkId, reason });
    this.#context.onChange(this);
  }

  /** Ends the session and closes its links. Only the first reason counts. */
  end(reason: CloseReason): void {
    if (this.#state.name === "ended") return;
    // The links first: whoever follows the session hears of their ends before its own.
    for (const [linkId, { place }] of [...this.#links]) {
      place.close(reason);
      this.#linkGone(linkId, { reason, ...place.counts() });
    }
    const bytes = this.bytes();
    this.#consent.end(reason);
    this.#context.span.end(reason, byteAttributes(bytes));
    this.#enter({ name: "ended", reason });
    this.#context.tenantPort()?.closeSession(this.id, reason);
    this.#context.remote.ended(reason, bytes);
  }

  #open({ decidedBy, plainPermit, linksAhead = 0 }: SessionAcceptance): void {
    const { clock, remote, tenantKeyFingerprint, timeLimits } = this.#context;
    const bytes = (): number => {
      const { toTenant, toRemote } = this.bytes();
      return toTenant + toRemote;
    };
    const timeBox = new TimeBox(clock, timeLimits, bytes, (reason) => this.end(reason));
    const plain = plainPermit !== undefined;
    // In a plain session a leg's first byte may be the target's, and nobody would say that the link is needed.
    this.#linksAhead = plain ? 0 : Math.min(linksAhead, this.#context.linksAhead, MOST_LINKS_AHEAD);
    this.#consent.end();
    this.#enter({ name: "open", since: clock.wallNow(), decidedBy, plain, timeBox });
    remote.opened({ sessionId: this.id, tenantKeyFingerprint, timeLimits, plainPermit, linksAhead: this.#linksAhead });
    this.#foretell?.();
  }

  #linkOver(linkId: string, end: { reason: CloseReason } & SessionBytes): void {
    if (!this.#linkGone(linkId, end)) return;
    if (this.#state.name !== "ended") this.#context.remote.linkEnded(linkId, end.reason, end);
    this.#context.onChange(this);
  }

  #linkGone(linkId: string, { reason, toTenant, toRemote }: { reason: CloseReason } & SessionBytes): boolean {
    const link = this.#links.get(linkId);
    if (link === undefined) return false;
    this.#links.delete(linkId);
    this.#past.toTenant += toTenant;
    this.#past.toRemote += toRemote;
    const bytes = { toTenant, toRemote };
    link.span.end(reason, byteAttributes(bytes));
    const setUp = link.ahead ? withoutFirstByte(link.place.setUp()) : link.place.setUp();
    this.#context.onLink(this, { what: "ended", linkId, reason, setUp, bytes });
    return true;
  }

  #lapseAfter(delayMs: number, code: "handshake-timeout" | "consent-expired", what: string): Timer {
    return this.#context.clock.setTimer(delayMs, () => {
      const message = `${what} within ${Math.round(delayMs / 1000)} s`;
      this.end({ code, message, remedy: "Reach the tenant by telephone and try again." });
    });
  }

  #enter(state: SessionState): void {
    if (this.#state.name === "pending") this.#state.lapse.cancel();
    if (this.#state.name === "open") this.#state.timeBox.cancel();
    this.#state = state;
    this.#context.onChange(this);
  }
}

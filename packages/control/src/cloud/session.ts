import type { CloseReason, Timer } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { WallClock } from "../wire/wall-clock.ts";
import type { TimeLimits } from "./time-box.ts";
import { TimeBox } from "./time-box.ts";
import type {
  LinkPlace,
  LinkPlaces,
  PlainPermit,
  RemotePort,
  SessionBytes,
  SessionOperator,
  SessionPurpose,
  TenantPort,
} from "./ports.ts";

/** A tenant's decision on a session. */
export type SessionDecision =
  | { decision: "accepted"; decidedBy: string; plainPermit?: PlainPermit | undefined }
  | { decision: "pending"; withinMs: number }
  | { decision: "refused"; reason: CloseReason };

/**
 * Where a session stands.
 *
 * - `pending`: offered to the tenant; `lapse` ends it when no decision comes.
 * - `open`: accepted, by the tenant's policy or the person `decidedBy`; links may be made while `timeBox` lasts, and go
 *   without end-to-end encryption where it is `plain`.
 * - `ended`: over, for `reason`. Nothing follows.
 */
export type SessionState =
  | { name: "pending"; lapse: Timer }
  | { name: "open"; since: number; decidedBy: string; plain: boolean; timeBox: TimeBox }
  | { name: "ended"; reason: CloseReason };

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
  /** Called at each change that others can see: state, number of links. */
  onChange: (session: Session) => void;
}

/** One operator's authorised access to one target of one tenant. Pure state: the world is reached through ports. */
export class Session {
  readonly id: string;
  readonly operator: SessionOperator;
  readonly purpose: SessionPurpose;
  readonly startedAt: number;
  readonly #context: SessionContext;
  readonly #links = new Map<string, { place: LinkPlace; requestId: number }>();
  /** Bytes of the links that are over. */
  readonly #past: SessionBytes = { toTenant: 0, toRemote: 0 };
  #state: SessionState;
  #consentUntil: number | undefined;

  /** Creates the session as pending; `offer` shows it to the tenant. */
  constructor(id: string, operator: SessionOperator, purpose: SessionPurpose, context: SessionContext) {
    this.id = id;
    this.operator = operator;
    this.purpose = purpose;
    this.#context = context;
    this.startedAt = context.clock.wallNow();
    // Nobody was asked yet: this is no missing consent, but a tenant that does not react.
    const silent = `the tenant redirector of ${purpose.tenant} did not answer`;
    const lapse = this.#lapseAfter(context.answerWithinMs, "handshake-timeout", silent);
    this.#state = { name: "pending", lapse };
  }

  get state(): SessionState {
    return this.#state;
  }

  get openLinks(): number {
    return this.#links.size;
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
    });
  }

  /** Takes the tenant's decision. One that comes too late is ignored. */
  decide(decision: SessionDecision): void {
    if (this.#state.name !== "pending") return;
    const { remote, consentWithinMs } = this.#context;
    switch (decision.decision) {
      case "accepted":
        this.#open(decision.decidedBy, decision.plainPermit);
        break;
      case "pending": {
        const { clock } = this.#context;
        // Counted from the first question: a tenant that keeps asking must not keep the session waiting for ever.
        this.#consentUntil ??= clock.now() + consentWithinMs;
        const withinMs = Math.min(Math.max(decision.withinMs, 0), this.#consentUntil - clock.now());
        const nobody = `nobody at tenant ${this.purpose.tenant} answered`;
        this.#enter({ name: "pending", lapse: this.#lapseAfter(withinMs, "consent-expired", nobody) });
        remote.pending(this.id, withinMs);
        break;
      }
      case "refused":
        this.end(decision.reason);
        break;
    }
  }

  /** Makes one more link: a ticket for the remote redirector and an offer to the tenant, at the same time. */
  requestLink(requestId: number): void {
    const { links, remote, maxLinks, newLinkId, rendezvousAddress } = this.#context;
    const refuse = (code: CloseReason["code"], message: string): void =>
      remote.linkRefused(requestId, "", { code, message });
    if (this.#state.name !== "open") return refuse("protocol-violation", "the session is not open");
    if (this.#links.size >= maxLinks) return refuse("limit-exceeded", `the session has ${maxLinks} links already`);
    const port = this.#context.tenantPort();
    if (port === undefined) return refuse("tenant-offline", `tenant ${this.purpose.tenant} is offline`);
    let place: LinkPlace;
    try {
      place = links.expect({ linkId: newLinkId(), tenant: this.purpose.tenant, session: this.id });
    } catch (error) {
      if (error instanceof DrawbridgeError) return refuse(error.code, error.message);
      throw error;
    }
    const { linkId, expiresInMs } = place;
    this.#links.set(linkId, { place, requestId });
    void place.closed.then((end) => this.#linkOver(linkId, end));
    port.offerLink(this.id, { linkId, token: place.tenantToken, rendezvousAddress, expiresInMs });
    remote.linkTicket(requestId, { linkId, token: place.remoteToken, rendezvousAddress, expiresInMs });
    this.#context.onChange(this);
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
    this.#context.remote.linkRefused(link.requestId, linkId, reason);
    this.#context.onChange(this);
  }

  /** Ends the session and closes its links. Only the first reason counts. */
  end(reason: CloseReason): void {
    if (this.#state.name === "ended") return;
    this.#enter({ name: "ended", reason });
    const bytes = this.bytes();
    for (const { place } of this.#links.values()) place.close(reason);
    this.#context.tenantPort()?.closeSession(this.id, reason);
    this.#context.remote.ended(reason, bytes);
  }

  #open(decidedBy: string, plainPermit: PlainPermit | undefined): void {
    const { clock, remote, tenantKeyFingerprint, timeLimits } = this.#context;
    const bytes = (): number => {
      const { toTenant, toRemote } = this.bytes();
      return toTenant + toRemote;
    };
    const timeBox = new TimeBox(clock, timeLimits, bytes, (reason) => this.end(reason));
    const plain = plainPermit !== undefined;
    this.#enter({ name: "open", since: clock.wallNow(), decidedBy, plain, timeBox });
    remote.opened({ sessionId: this.id, tenantKeyFingerprint, timeLimits, plainPermit });
  }

  #linkOver(linkId: string, end: { reason: CloseReason } & SessionBytes): void {
    if (!this.#links.delete(linkId)) return;
    this.#past.toTenant += end.toTenant;
    this.#past.toRemote += end.toRemote;
    if (this.#state.name !== "ended") this.#context.remote.linkEnded(linkId, end.reason, end);
    this.#context.onChange(this);
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

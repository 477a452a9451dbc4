import type { CloseReason, Timer } from "@drawbridge/dataplane";
import type { WallClock } from "../wire/wall-clock.ts";
import type { Consent, OfferedSession } from "./offers.ts";
import type { SessionTarget } from "./open-target.ts";
import type { TenantLink, TenantLinkEnd } from "./tenant-link.ts";

/** What went through a session, all its links together. */
export interface SessionTotals {
  links: number;
  /** Bytes to and from the target. */
  toTarget: number;
  fromTarget: number;
}

/** What a session was accepted with. */
export interface SessionTerms {
  consent: Consent;
  /** Whether its links go without end-to-end encryption. */
  plain: boolean;
}

/** A session that was accepted, with its links. Over once `end` was called. */
export class OpenSession {
  readonly offer: OfferedSession;
  readonly target: SessionTarget;
  readonly consent: Consent;
  /** Whether its links go without end-to-end encryption. */
  readonly plain: boolean;
  /** When it was offered and opened, in milliseconds since the Unix epoch. */
  readonly offeredAt: number;
  readonly openedAt: number;
  readonly links = new Map<string, TenantLink>();
  readonly totals: SessionTotals = { links: 0, toTarget: 0, fromTarget: 0 };
  readonly #clock: WallClock;
  /** Of the clock that never jumps. */
  readonly #startedAt: number;
  #limit: Timer | undefined;

  constructor(offer: OfferedSession, target: SessionTarget, terms: SessionTerms, offeredAt: number, clock: WallClock) {
    this.offer = offer;
    this.target = target;
    this.consent = terms.consent;
    this.plain = terms.plain;
    this.offeredAt = offeredAt;
    this.#clock = clock;
    this.openedAt = clock.wallNow();
    this.#startedAt = clock.now();
  }

  /** Calls back when the session has lasted so long, instead of what was set before; undefined: never. */
  limitTo(maxSessionMs: number | undefined, over: () => void): void {
    this.#limit?.cancel();
    this.#limit = undefined;
    if (maxSessionMs === undefined) return;
    const left = this.#startedAt + maxSessionMs - this.#clock.now();
    this.#limit = this.#clock.setTimer(Math.max(0, left), over);
  }

  /** A link has begun. */
  add(linkId: string, link: TenantLink): void {
    this.links.set(linkId, link);
  }

  /** A link is over. */
  remove(linkId: string, { toTarget, fromTarget }: TenantLinkEnd): void {
    this.links.delete(linkId);
    this.totals.toTarget += toTarget;
    this.totals.fromTarget += fromTarget;
  }

  /** Ends all links at once. Resolves when they are over and counted. */
  async end(reason: CloseReason): Promise<SessionTotals> {
    this.#limit?.cancel();
    const links = [...this.links.values()];
    for (const link of links) link.destroy(reason);
    await Promise.all(links.map((link) => link.closed));
    return this.totals;
  }
}

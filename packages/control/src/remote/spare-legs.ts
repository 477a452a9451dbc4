import type { Socket } from "node:net";
import type { LinkTicket } from "./session-stream.ts";

/** A link that was made before anybody needed it: its leg is dialled, its handshake has not begun. */
export interface SpareLeg {
  readonly linkId: string;
  /** Errors: as of the dialling. */
  readonly leg: Promise<Socket>;
}

/** More than the cloud redirector may hand out ahead. */
const MOST = 4;

/** The legs of links ahead, of one session. Whoever takes one begins its handshake, and so tells the tenant of its need. */
export class SpareLegs {
  readonly #dial: (ticket: LinkTicket, signal: AbortSignal) => Promise<Socket>;
  readonly #spare = new Map<string, SpareLeg & { readonly abort: AbortController }>();
  #isOver = false;

  constructor(dial: (ticket: LinkTicket, signal: AbortSignal) => Promise<Socket>) {
    this.#dial = dial;
  }

  /** Dials the leg of a ticket that nobody has asked for. */
  add(ticket: LinkTicket): void {
    if (this.#isOver || this.#spare.size >= MOST) return;
    const { linkId } = ticket;
    const abort = new AbortController();
    const leg = this.#dial(ticket, abort.signal);
    this.#spare.set(linkId, { linkId, leg, abort });
    leg.catch(() => this.#spare.delete(linkId));
  }

  /** The oldest, which is the taker's from now on. */
  take(): SpareLeg | undefined {
    const [first] = this.#spare.values();
    if (first !== undefined) this.#spare.delete(first.linkId);
    return first;
  }

  /** The cloud redirector says that a link is over. Returns whether it was one of these. */
  drop(linkId: string): boolean {
    const spare = this.#spare.get(linkId);
    if (spare === undefined) return false;
    this.#spare.delete(linkId);
    spare.abort.abort();
    spare.leg.then(
      (leg) => leg.destroy(),
      () => {},
    );
    return true;
  }

  /** Gives all of them up, and those to come. */
  destroy(): void {
    this.#isOver = true;
    for (const linkId of this.#spare.keys()) this.drop(linkId);
  }
}

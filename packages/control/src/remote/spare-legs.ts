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
  /** How many links may still come for which none was made ahead. */
  #toCome: number;
  #isOver = false;

  /** @param links how many there will be in all */
  constructor(dial: (ticket: LinkTicket, signal: AbortSignal) => Promise<Socket>, links = Infinity) {
    this.#dial = dial;
    this.#toCome = links;
  }

  /** Dials the leg of a ticket that nobody has asked for. */
  add(ticket: LinkTicket): void {
    this.#toCome -= 1;
    this.#keep(ticket);
  }

  /** Has another made, if there may be a use for it. What the request throws is of no interest. */
  addAnother(request: () => Promise<LinkTicket>): void {
    if (this.#toCome <= 0) return;
    this.#toCome -= 1;
    request().then(
      (ticket) => this.#keep(ticket),
      () => {},
    );
  }

  #keep(ticket: LinkTicket): void {
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
    if (first === undefined) this.#toCome -= 1;
    else this.#spare.delete(first.linkId);
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

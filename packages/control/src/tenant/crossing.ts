import type { CloseReason } from "@drawbridge/dataplane";
import type { OfferAnswer, OfferedSession } from "./offers.ts";
import type { AnswerPort } from "./tenant-sessions.ts";

/** Kept at most, of answers and of offers; more than that is lost, as with a connection. */
const MAX_KEPT = 1_024;

/**
 * Keeps what would get lost while a control connection takes another one's place, from its hello to its welcome. Somewhere
 * in between the cloud redirector goes over to the newer one: an answer on the older would come too late, and a session
 * that is offered on it is one that the hello could not name, so that the cloud redirector ends it.
 */
export class Crossing implements AnswerPort {
  readonly #answers: ((port: AnswerPort) => void)[] = [];
  readonly #offers: OfferedSession[] = [];

  answerSession(sessionId: string, answer: OfferAnswer): void {
    this.#keep((port) => port.answerSession(sessionId, answer));
  }

  closeSession(sessionId: string, reason: CloseReason): void {
    this.#keep((port) => port.closeSession(sessionId, reason));
  }

  linkAccepted(linkId: string): void {
    this.#keep((port) => port.linkAccepted(linkId));
  }

  linkRefused(linkId: string, reason: CloseReason): void {
    this.#keep((port) => port.linkRefused(linkId, reason));
  }

  /** A session was offered on the older connection. */
  offered(offer: OfferedSession): void {
    if (this.#offers.length < MAX_KEPT) this.#offers.push(offer);
  }

  /** The newer connection is there: what was answered goes out on it, and what was offered is void. */
  succeeded(port: AnswerPort): void {
    for (const answer of this.#answers) answer(port);
  }

  /** There is no newer connection: all goes on with the older one. */
  failed(port: AnswerPort, deliver: (offer: OfferedSession) => void): void {
    for (const answer of this.#answers) answer(port);
    this.#offers.forEach(deliver);
  }

  #keep(answer: (port: AnswerPort) => void): void {
    if (this.#answers.length < MAX_KEPT) this.#answers.push(answer);
  }
}

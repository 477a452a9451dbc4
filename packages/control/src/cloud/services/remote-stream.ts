import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { CloseReason } from "@drawbridge/dataplane";
import { closeReasonError } from "@drawbridge/dataplane";
import type { OpenResponseSchema } from "@drawbridge/gen/drawbridge/v1/session";
import type { MessageQueue } from "../../rpc/message-queue.ts";
import { toRefusal } from "../../wire/refusal.ts";
import type { LegTicket, RemotePort, SessionBytes, SessionOpening } from "../ports.ts";
import { byteCounts, legFields } from "./messages.ts";

/** What goes out on a session stream. */
export type OpenResponseInit = MessageInitShape<typeof OpenResponseSchema>;

/** The way to a remote redirector over its session stream's outgoing messages. */
export class RemoteStream implements RemotePort {
  readonly #queue: MessageQueue<OpenResponseInit>;
  readonly #gateways: string[];
  #wasOpened = false;

  /** @param gateways where the provider is reached from now on; empty: as before. */
  constructor(queue: MessageQueue<OpenResponseInit>, gateways: string[] = []) {
    this.#queue = queue;
    this.#gateways = gateways;
  }

  pending(sessionId: string, withinMs: number): void {
    const value = { sessionId, within: durationFromMs(Math.round(withinMs)) };
    this.#queue.push({ message: { case: "pending", value } });
  }

  opened({ sessionId, tenantKeyFingerprint, timeLimits, plainPermit, linksAhead }: SessionOpening): void {
    const { longestMs, idleMs } = timeLimits;
    this.#wasOpened = true;
    const value = {
      sessionId,
      tenantKeyFingerprint: Buffer.from(tenantKeyFingerprint, "hex"),
      gateways: this.#gateways,
      linksAhead,
      ...(longestMs !== undefined && { expiresIn: durationFromMs(longestMs) }),
      ...(idleMs !== undefined && { idleLimit: durationFromMs(idleMs) }),
      ...(plainPermit && { plainPermit: { publicKey: plainPermit.publicKey, signature: plainPermit.signature } }),
    };
    this.#queue.push({ message: { case: "opened", value } });
  }

  linkTicket(requestId: number, ticket: LegTicket): void {
    this.#queue.push({ message: { case: "linkTicket", value: { requestId, ...legFields(ticket) } } });
  }

  linkRefused(requestId: number, linkId: string, reason: CloseReason): void {
    this.#queue.push({ message: { case: "linkRefused", value: { requestId, linkId, reason: toRefusal(reason) } } });
  }

  linkEnded(linkId: string, reason: CloseReason, bytes: SessionBytes): void {
    const value = { linkId, reason: toRefusal(reason), bytes: byteCounts(bytes) };
    this.#queue.push({ message: { case: "linkEnded", value } });
  }

  ending(withinMs: number, reason: CloseReason): void {
    const value = { within: durationFromMs(Math.round(withinMs)), reason: toRefusal(reason) };
    this.#queue.push({ message: { case: "ending", value } });
  }

  /** A session that never opened is a failed call; one that was open ends with a message. */
  ended(reason: CloseReason, bytes: SessionBytes): void {
    if (!this.#wasOpened) return this.#queue.fail(closeReasonError(reason));
    this.#queue.push({ message: { case: "ended", value: { reason: toRefusal(reason), bytes: byteCounts(bytes) } } });
    this.#queue.end();
  }
}

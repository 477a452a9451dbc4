import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { CloseReason } from "@drawbridge/dataplane";
import type { ConnectResponseSchema } from "@drawbridge/gen/drawbridge/v1/control";
import type { MessageQueue } from "../../rpc/message-queue.ts";
import { toRefusal } from "../../wire/refusal.ts";
import type { LegTicket, SessionOfferDetails, TenantPort } from "../ports.ts";
import { legFields, ROLE_MESSAGE } from "./messages.ts";

/** What goes out on a control connection. */
export type ConnectResponseInit = MessageInitShape<typeof ConnectResponseSchema>;

/** The way to a tenant over its control connection's outgoing messages. */
export class TenantStream implements TenantPort {
  readonly gateway: string | undefined;
  readonly #queue: MessageQueue<ConnectResponseInit>;

  /** @param gateway the running gateway that the control connection came through, if that named itself. */
  constructor(queue: MessageQueue<ConnectResponseInit>, gateway: string | undefined) {
    this.#queue = queue;
    this.gateway = gateway;
  }

  offerSession(offer: SessionOfferDetails): void {
    const { sessionId, target, reason, ticket, operator, answerWithinMs, plainNonce, traceparent } = offer;
    const value = {
      sessionId,
      target,
      reason,
      ticket,
      operator: operator.name,
      operatorRole: ROLE_MESSAGE[operator.role],
      operatorKeyFingerprint: Buffer.from(operator.keyFingerprint, "hex"),
      sourceAddress: operator.sourceAddress,
      answerWithin: durationFromMs(answerWithinMs),
      plainNonce,
      traceparent,
    };
    this.#queue.push({ message: { case: "sessionOffer", value } });
  }

  closeSession(sessionId: string, reason: CloseReason): void {
    this.#queue.push({ message: { case: "sessionClose", value: { sessionId, reason: toRefusal(reason) } } });
  }

  offerLink(sessionId: string, ticket: LegTicket, more: { traceparent: string; ahead: boolean }): void {
    this.#queue.push({ message: { case: "linkOffer", value: { sessionId, ...legFields(ticket), ...more } } });
  }

  drain(withinMs: number, reconnectAfterMs: number): void {
    const value = { within: durationFromMs(Math.round(withinMs)), reconnectAfter: durationFromMs(reconnectAfterMs) };
    this.#queue.push({ message: { case: "drain", value } });
  }

  move(withinMs: number, moveAfterMs: number): void {
    const value = { within: durationFromMs(Math.round(withinMs)), moveAfter: durationFromMs(moveAfterMs) };
    this.#queue.push({ message: { case: "drain", value } });
  }

  goodbye(reason: CloseReason): void {
    this.#queue.push({ message: { case: "goodbye", value: { reason: toRefusal(reason) } } });
    this.#queue.end();
  }
}

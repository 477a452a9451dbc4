import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { CloseReason } from "@drawbridge/dataplane";
import { closeReasonFrom, DrawbridgeError, HandshakeToken } from "@drawbridge/dataplane";
import type {
  ConnectRequestSchema,
  ConnectResponse,
  LinkOffer,
  SessionOffer,
} from "@drawbridge/gen/drawbridge/v1/control";
import { ControlService } from "@drawbridge/gen/drawbridge/v1/control";
import { OperatorRole } from "@drawbridge/gen/drawbridge/v1/common";
import type { RpcChannel } from "../rpc/channel.ts";
import { firstMessage } from "../rpc/first-message.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import { serviceDefinition } from "../rpc/service-definition.ts";
import { durationMs } from "../wire/duration.ts";
import { PLAIN_NONCE_BYTES } from "../wire/plain-permit.ts";
import { fromRefusal, toRefusal } from "../wire/refusal.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { Consent, OfferAnswer, OfferedLink, OfferedSession } from "./offers.ts";

const definition = serviceDefinition(ControlService);

/** What a tenant redirector says first. */
export interface TenantHello {
  software: string;
  hostName: string;
  platform: string;
  targets: readonly { name: string; address: string }[];
  /** Whether the policy lets somebody reach free targets. */
  freeTargets: boolean;
  /** Sessions that outlived a lost control connection. */
  sessionIds: readonly string[];
}

/** What the cloud redirector answered. */
export interface TenantWelcome {
  tenant: string;
  epoch: number;
  provider: string;
  /** How far this machine's clock is ahead of the cloud redirector's, in milliseconds. */
  clockAheadMs: number;
  /** Where the provider is reached from now on, written as in an invite code; empty: as before. */
  gateways: readonly string[];
}

/** Told of what the cloud redirector asks for. Must not throw. */
export interface ControlHandler {
  sessionOffered(offer: OfferedSession): void;
  sessionClosed(sessionId: string, reason: CloseReason): void;
  linkOffered(offer: OfferedLink): void;
  /** The cloud redirector stops within so many milliseconds; `reconnectAfterMs` is when to come back after that. */
  draining(withinMs: number, reconnectAfterMs: number | undefined): void;
  /** The gateway of this control connection stops within so many milliseconds; `moveAfterMs` is when to leave it. */
  gatewayDraining(withinMs: number, moveAfterMs: number): void;
}

const WELCOME_MS = 10_000;

/** The control connection: the tenant redirector's one long-lived stream. Made by `open`. */
export class ControlConnection {
  /** Resolves when the stream is over: to the goodbye's reason, or to why it was lost. Never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly welcome: TenantWelcome;
  readonly #out: MessageQueue<MessageInitShape<typeof ConnectRequestSchema>>;
  readonly #abort: AbortController;

  private constructor(
    welcome: TenantWelcome,
    out: MessageQueue<MessageInitShape<typeof ConnectRequestSchema>>,
    abort: AbortController,
    closed: Promise<CloseReason>,
  ) {
    this.welcome = welcome;
    this.#out = out;
    this.#abort = abort;
    this.closed = closed;
  }

  /**
   * Opens the stream and says hello.
   *
   * Errors: `unavailable` where the cloud redirector cannot be reached, `revoked`, `unauthenticated`, `superseded`.
   *
   * @param signal gives up; has no effect on a connection that was returned.
   */
  static async open(
    channel: RpcChannel,
    hello: TenantHello,
    handler: ControlHandler,
    clock: WallClock,
    signal: AbortSignal,
  ): Promise<ControlConnection> {
    const abort = new AbortController();
    const cancel = (): void => abort.abort();
    signal.addEventListener("abort", cancel, { once: true });
    const out = new MessageQueue<MessageInitShape<typeof ConnectRequestSchema>>().endOn(abort.signal);
    const { targets, sessionIds, ...facts } = hello;
    const value = { protocolVersion: 1, ...facts, targets: [...targets], sessionIds: [...sessionIds] };
    out.push({ message: { case: "hello", value } });
    const responses = channel.client(definition).connect(out, { signal: abort.signal })[Symbol.asyncIterator]();
    try {
      if (signal.aborted) cancel();
      const first = await firstMessage(responses, "welcome", WELCOME_MS, clock);
      const welcome = welcomeOf(first, clock);
      return new ControlConnection(welcome, out, abort, readResponses(responses, handler, out));
    } catch (error) {
      cancel();
      throw error;
    } finally {
      // From now on the stream ends by a goodbye, not by a cancelled call.
      signal.removeEventListener("abort", cancel);
    }
  }

  answerSession(sessionId: string, answer: OfferAnswer): void {
    switch (answer.decision) {
      case "accepted": {
        const { consent, plainPermit, linksAhead } = answer;
        const value = { decidedBy: decidedBy(consent), ...(plainPermit && { plainPermit }), linksAhead };
        return this.#send("sessionAnswer", { sessionId, decision: { case: "accepted", value } });
      }
      case "pending": {
        const within = durationFromMs(answer.withinMs);
        return this.#send("sessionAnswer", { sessionId, decision: { case: "pending", value: { within } } });
      }
      case "refused": {
        const value = toRefusal(answer.reason);
        return this.#send("sessionAnswer", { sessionId, decision: { case: "refused", value } });
      }
    }
  }

  linkAccepted(linkId: string): void {
    this.#send("linkAnswer", { linkId, outcome: { case: "accepted", value: {} } });
  }

  linkRefused(linkId: string, reason: CloseReason): void {
    this.#send("linkAnswer", { linkId, outcome: { case: "refused", value: toRefusal(reason) } });
  }

  closeSession(sessionId: string, reason: CloseReason): void {
    this.#send("sessionClose", { sessionId, reason: toRefusal(reason) });
  }

  /** What the hello said of free targets has changed. */
  freeTargetsChanged(freeTargets: boolean): void {
    this.#send("freeTargetsChanged", { freeTargets });
  }

  /** Says goodbye and ends the stream. */
  goodbye(reason: CloseReason): void {
    this.#send("goodbye", { reason: toRefusal(reason) });
    this.#out.end();
  }

  /** Ends the stream at once. */
  destroy(): void {
    this.#abort.abort();
  }

  #send<Case extends RequestCase>(name: Case, value: Extract<RequestMessage, { case: Case }>["value"]): void {
    this.#out.push({ message: { case: name, value } as RequestMessage });
  }
}

type RequestMessage = NonNullable<MessageInitShape<typeof ConnectRequestSchema>["message"]>;
type RequestCase = NonNullable<RequestMessage["case"]>;

function welcomeOf({ message }: ConnectResponse, clock: WallClock): TenantWelcome {
  if (message.case === "goodbye") {
    const { code, message: text, remedy = "" } = fromRefusal(message.value.reason);
    throw new DrawbridgeError(code, text, { remedy });
  }
  if (message.case !== "welcome") throw new DrawbridgeError("protocol-violation", "the first answer is no welcome");
  const { tenant, epoch, provider, serverTime, gateways } = message.value;
  const clockAheadMs = serverTime === undefined ? 0 : clock.wallNow() - timestampMs(serverTime);
  return { tenant, epoch: Number(epoch), provider, clockAheadMs, gateways };
}

async function readResponses(
  responses: AsyncIterator<ConnectResponse>,
  handler: ControlHandler,
  out: MessageQueue<unknown>,
): Promise<CloseReason> {
  try {
    // Whoever opens the connection has it by then: an answer to an offer that came with the welcome would get lost.
    await nextTurn();
    for (;;) {
      const next = await responses.next();
      if (next.done === true)
        return { code: "unavailable", message: "the cloud redirector ended the control connection" };
      const { message } = next.value;
      if (message.case === "goodbye") return fromRefusal(message.value.reason);
      dispatch(message, handler);
    }
  } catch (error) {
    return closeReasonFrom(error);
  } finally {
    out.end();
  }
}

function dispatch(message: ConnectResponse["message"], handler: ControlHandler): void {
  switch (message.case) {
    case "sessionOffer":
      return handler.sessionOffered(offeredSession(message.value));
    case "sessionClose":
      return handler.sessionClosed(message.value.sessionId, fromRefusal(message.value.reason));
    case "linkOffer":
      return handler.linkOffered(offeredLink(message.value));
    case "drain": {
      const { within, reconnectAfter, moveAfter } = message.value;
      const [withinMs, moveAfterMs] = [durationMs(within) ?? 0, durationMs(moveAfter)];
      if (moveAfterMs !== undefined) return handler.gatewayDraining(withinMs, moveAfterMs);
      return handler.draining(withinMs, durationMs(reconnectAfter));
    }
    default:
      return; // a welcome says nothing new, and what is not known comes from a newer contract
  }
}

/** For the provider's audit log: which rule it was is the tenant's own business. At most 255 bytes. */
function decidedBy(consent: Consent): string {
  return consent.by === "policy" ? "policy" : Buffer.from(consent.name).subarray(0, 240).toString("utf8");
}

const ROLE_NAMES: Partial<Record<OperatorRole, OfferedSession["operatorRole"]>> = {
  [OperatorRole.VIEWER]: "viewer",
  [OperatorRole.ADMIN]: "admin",
};

function offeredSession(offer: SessionOffer): OfferedSession {
  const { sessionId, target, operator, reason, ticket, sourceAddress, operatorKeyFingerprint, answerWithin } = offer;
  return {
    sessionId,
    target,
    operator,
    operatorRole: ROLE_NAMES[offer.operatorRole] ?? "operator",
    reason,
    ticket,
    sourceAddress,
    operatorKeyFingerprint: Buffer.from(operatorKeyFingerprint).toString("hex"),
    answerWithinMs: durationMs(answerWithin) ?? 10_000,
    traceparent: offer.traceparent,
    ...(isPlainAsked(offer) && { plainNonce: offer.plainNonce }),
  };
}

/** Anything else than what can be signed asks for nothing. */
function isPlainAsked({ plainNonce, operatorKeyFingerprint }: SessionOffer): boolean {
  return plainNonce.length === PLAIN_NONCE_BYTES && operatorKeyFingerprint.length === 32;
}

function offeredLink({ linkId, sessionId, token, rendezvousAddress, traceparent, ahead }: LinkOffer): OfferedLink {
  return { linkId, sessionId, token: HandshakeToken.fromBytes(token), rendezvousAddress, traceparent, ahead };
}

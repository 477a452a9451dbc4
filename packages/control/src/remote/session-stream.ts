import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { CloseReason } from "@drawbridge/dataplane";
import { closeReason, closeReasonError, closeReasonFrom, DrawbridgeError, HandshakeToken } from "@drawbridge/dataplane";
import type {
  LinkTicket as LinkTicketMessage,
  OpenRequestSchema,
  OpenResponse,
} from "@drawbridge/gen/drawbridge/v1/session";
import { SessionService } from "@drawbridge/gen/drawbridge/v1/session";
import { Metadata } from "nice-grpc-common";
import type { RpcChannel } from "../rpc/channel.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import { serviceDefinition } from "../rpc/service-definition.ts";
import { durationMs } from "../wire/duration.ts";
import type { PlainPermit } from "../wire/plain-permit.ts";
import { fromRefusal } from "../wire/refusal.ts";
import { SOFTWARE } from "../wire/software.ts";

/** As the contract has it. */
const MOST_AHEAD = 4;

const definition = serviceDefinition(SessionService);

/** What a session is asked for. */
export interface SessionRequest {
  tenant: string;
  target: string;
  reason: string;
  ticket: string;
  /** How long the session may last at most, in milliseconds; undefined: as long as the provider allows. */
  maxDurationMs?: number | undefined;
  /** How many links to have ready before they are needed. Default: none. */
  linksAhead?: number;
  /** Asks for links without end-to-end encryption: fresh, of 32 random bytes. Default: it does not. */
  plainNonce?: Uint8Array | undefined;
  /** Where it belongs in a trace, as W3C Trace Context writes it. Default: nowhere. */
  traceparent?: string;
}

/** Where and with which token the remote leg of a link is dialled. */
export interface LinkTicket {
  linkId: string;
  token: HandshakeToken;
  /** `host:port`; empty for the address of the session stream. */
  rendezvousAddress: string;
}

/** What the cloud redirector said when the session opened. */
export interface OpenedSession {
  sessionId: string;
  /** SHA-256 of the tenant's public key, hexadecimal, as the cloud redirector says. */
  tenantKeyFingerprint: string;
  /** How long the session may last, in milliseconds; undefined: without limit. */
  expiresInMs: number | undefined;
  /** After how long without a byte it ends, in milliseconds; undefined: never. */
  idleLimitMs: number | undefined;
  /** Where the provider is reached from now on, written as in an invite code; empty: as before. */
  gateways: readonly string[];
  /** The tenant's word that links go plain, as the cloud redirector passed it on: to be verified. */
  plainPermit: PlainPermit | undefined;
  /** For links that nobody needs yet: their legs are dialled now, their handshakes begin when they are needed. */
  ahead: readonly LinkTicket[];
}

/** Told of what happens to links after their ticket, and of the session's end before it comes. Must not throw. */
export interface StreamObserver {
  /** The tenant could not make its leg, or the link is over at the rendezvous. */
  linkOver(linkId: string, reason: CloseReason): void;
  /** The session will be over within so many milliseconds. */
  ending(withinMs: number, reason: CloseReason): void;
}

/** A request that has no answer yet. */
type Waiting = PromiseWithResolvers<LinkTicket> & { onTicket: (linkId: string) => void };

/** The session stream: a session lives as long as this. Made by `open`. */
export class SessionStream {
  /** Resolves when the session is over. Never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly opened: OpenedSession;
  readonly #out: MessageQueue<MessageInitShape<typeof OpenRequestSchema>>;
  readonly #abort: AbortController;
  readonly #waiting = new Map<number, Waiting>();
  readonly #observer: StreamObserver;
  readonly #gateway: string;
  #lastRequest = 0;
  #over: DrawbridgeError | undefined;

  private constructor(
    opened: OpenedSession,
    out: MessageQueue<MessageInitShape<typeof OpenRequestSchema>>,
    abort: AbortController,
    responses: AsyncIterator<OpenResponse>,
    observer: StreamObserver,
    gateway: string,
  ) {
    this.opened = opened;
    this.#gateway = gateway;
    this.#out = out;
    this.#abort = abort;
    this.#observer = observer;
    this.closed = this.#read(responses);
  }

  /**
   * Asks for a session and waits until the tenant has decided.
   *
   * Errors: the refusal of the broker or the tenant; `unavailable`; `cancelled` when the signal fires.
   *
   * @param onPending called when a person at the tenant is asked, with the time that the question stands and the
   *   session's id.
   */
  static async open(
    channel: RpcChannel,
    request: SessionRequest,
    observer: StreamObserver,
    onPending: (withinMs: number, sessionId: string) => void,
    signal: AbortSignal,
  ): Promise<SessionStream> {
    const abort = new AbortController();
    const cancel = (): void => abort.abort();
    signal.addEventListener("abort", cancel, { once: true });
    const out = new MessageQueue<MessageInitShape<typeof OpenRequestSchema>>().endOn(abort.signal);
    const { maxDurationMs, plainNonce, traceparent = "", ...purpose } = request;
    const limit = maxDurationMs === undefined ? {} : { maxDuration: durationFromMs(maxDurationMs) };
    const plain = plainNonce === undefined ? {} : { plainNonce };
    out.push({ message: { case: "start", value: { ...purpose, ...limit, ...plain, software: SOFTWARE } } });
    const metadata = Metadata(traceparent === "" ? {} : { traceparent });
    const responses = channel.client(definition).open(out, { signal: abort.signal, metadata })[Symbol.asyncIterator]();
    try {
      if (signal.aborted) cancel();
      const opened = await untilOpened(responses, onPending);
      return new SessionStream(opened, out, abort, responses, observer, channel.address);
    } catch (error) {
      cancel();
      throw signal.aborted ? new DrawbridgeError("cancelled", "the session was cancelled", { cause: error }) : error;
    } finally {
      // From now on the session ends by a goodbye, not by a cancelled call.
      signal.removeEventListener("abort", cancel);
    }
  }

  /**
   * Asks for one more link. Errors: the broker's or the tenant's refusal; the session's end.
   *
   * @param onTicket told of the link's id before any later message is read: news of the link's end may come right behind
   *   its ticket, and sooner than the promise's continuation.
   * @param options `traceparent`: where it belongs in a trace. `ahead`: nobody needs it yet.
   */
  requestLink(onTicket: (linkId: string) => void, { traceparent = "", ahead = false } = {}): Promise<LinkTicket> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    this.#lastRequest += 1;
    const waiting = Promise.withResolvers<LinkTicket>();
    this.#waiting.set(this.#lastRequest, { ...waiting, onTicket });
    this.#out.push({ message: { case: "linkRequest", value: { requestId: this.#lastRequest, traceparent, ahead } } });
    return waiting.promise;
  }

  /** Says goodbye; the session ends. */
  goodbye(): void {
    this.#out.push({ message: { case: "goodbye", value: {} } });
    this.#out.end();
  }

  /** Ends the stream, and with it the session, at once. */
  destroy(): void {
    this.#abort.abort();
  }

  async #read(responses: AsyncIterator<OpenResponse>): Promise<CloseReason> {
    const reason = await this.#readUntilEnd(responses);
    this.#out.end();
    this.#over = new DrawbridgeError(reason.code, reason.message);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#over);
    this.#waiting.clear();
    return reason;
  }

  async #readUntilEnd(responses: AsyncIterator<OpenResponse>): Promise<CloseReason> {
    try {
      for (;;) {
        const next = await responses.next();
        if (next.done === true) return closeReason("unavailable", "the cloud redirector ended the session stream");
        const { message } = next.value;
        if (message.case === "ended") return fromRefusal(message.value.reason);
        this.#dispatch(message);
      }
    } catch (error) {
      const reason = closeReasonFrom(error);
      return reason.code === "unavailable" ? lostWith(this.#gateway) : reason;
    }
  }

  #dispatch(message: OpenResponse["message"]): void {
    switch (message.case) {
      case "linkTicket": {
        const { requestId, linkId } = message.value;
        const ticket = linkTicket(message.value);
        const waiting = this.#take(requestId);
        waiting?.onTicket(linkId);
        waiting?.resolve(ticket);
        break;
      }
      case "linkRefused": {
        const { requestId, linkId, reason } = message.value;
        const { code, message: text, remedy = "" } = fromRefusal(reason);
        this.#take(requestId)?.reject(new DrawbridgeError(code, text, { remedy }));
        if (linkId !== "") this.#observer.linkOver(linkId, fromRefusal(reason));
        break;
      }
      case "linkEnded":
        this.#observer.linkOver(message.value.linkId, fromRefusal(message.value.reason));
        break;
      case "ending":
        this.#observer.ending(durationMs(message.value.within) ?? 0, fromRefusal(message.value.reason));
        break;
      default: // said before, or from a newer contract
    }
  }

  #take(requestId: number): Waiting | undefined {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    return waiting;
  }
}

/** A session lives as long as its stream, and so no longer than the gateway that it came through. */
function lostWith(gateway: string): CloseReason {
  const message = `the connection to the provider at ${gateway} was lost, and the session with it`;
  return { code: "unavailable", message, remedy: "Connect again: another gateway is tried where there is one." };
}

const linkTicket = ({ linkId, token, rendezvousAddress }: LinkTicketMessage): LinkTicket => {
  return { linkId, token: HandshakeToken.fromBytes(token), rendezvousAddress };
};

async function untilOpened(
  responses: AsyncIterator<OpenResponse>,
  onPending: (withinMs: number, sessionId: string) => void,
): Promise<OpenedSession> {
  for (;;) {
    const { message } = await nextOf(responses);
    if (message.case === "opened") {
      const { sessionId, tenantKeyFingerprint, expiresIn, idleLimit, plainPermit, gateways, linksAhead } =
        message.value;
      return {
        sessionId,
        tenantKeyFingerprint: Buffer.from(tenantKeyFingerprint).toString("hex"),
        expiresInMs: durationMs(expiresIn),
        idleLimitMs: durationMs(idleLimit),
        plainPermit,
        gateways,
        ahead: await ticketsAhead(responses, linksAhead),
      };
    }
    if (message.case === "pending") onPending(durationMs(message.value.within) ?? 0, message.value.sessionId);
  }
}

/** They come right behind the news that the session is open; so the first link can have one. */
async function ticketsAhead(responses: AsyncIterator<OpenResponse>, count: number): Promise<LinkTicket[]> {
  const tickets: LinkTicket[] = [];
  for (let index = 0; index < Math.min(count, MOST_AHEAD); index += 1) {
    const { message } = await nextOf(responses);
    if (message.case === "linkTicket") tickets.push(linkTicket(message.value));
    if (message.case === "ended") throw closeReasonError(fromRefusal(message.value.reason));
  }
  return tickets;
}

async function nextOf(responses: AsyncIterator<OpenResponse>): Promise<OpenResponse> {
  const next = await responses.next();
  if (next.done === true) throw new DrawbridgeError("unavailable", "the cloud redirector ended the session stream");
  return next.value;
}

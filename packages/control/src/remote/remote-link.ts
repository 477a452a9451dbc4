import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { CloseReason, Splice } from "@drawbridge/dataplane";
import { closeReasonFrom, DrawbridgeError, encryptRemoteLeg, splice } from "@drawbridge/dataplane";
import { NO_SPAN, type Span, traced } from "../watching/span.ts";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { LinkTurns } from "./link-turns.ts";
import type { LinkTicket } from "./session-stream.ts";
import type { SpareLeg } from "./spare-legs.ts";

/** How long the reason of a leg that was closed is waited for, in milliseconds. */
const REASON_MS = 1_000;

/**
 * How long the handshake over a leg that was dialled ahead may take, in milliseconds: such a leg may have died unnoticed,
 * and then the link is made anew.
 */
const SPARE_HANDSHAKE_MS = 3_000;

/** What a remote redirector's end of a link is made of. */
export interface RemoteLinkOptions {
  /** The RDP client's connection to the loopback listener, or what stands for it; it allows half-open use. */
  local: Duplex;
  /** Whose turn it is to be made. */
  turns: LinkTurns;
  /** The link in a trace. Default: nowhere. */
  span?: Span;
  /** Takes a leg that was dialled ahead, if there is one. Default: there is none. */
  takeSpare?: () => SpareLeg | undefined;
  /** Asks for the link; `onTicket` is told its id at once. */
  requestLink: (onTicket: (linkId: string) => void) => Promise<LinkTicket>;
  /** Dials the leg of a ticket. */
  dialLeg: (ticket: LinkTicket, signal: AbortSignal) => Promise<Socket>;
  identity: EnrolledIdentity;
  /** Throws when the other end is not the tenant. */
  verifyTenant: (leafCertificate: Buffer) => void;
  /** Which session and target the link is for. */
  serverName: string;
  /** Carries the leg without end-to-end encryption: only with the tenant's permit. */
  plain: boolean;
  /** Called when the link's id is known. */
  onTicket: (linkId: string) => void;
  /** Called when bytes can flow. */
  onOpen: (linkId: string) => void;
}

/** How a link ended here. Counts are of plain bytes, from and to the RDP client. */
export interface RemoteLinkEnd {
  /** Empty when no ticket came. */
  linkId: string;
  reason: CloseReason;
  toTenant: number;
  toRemote: number;
}

/** The remote redirector's end of one link: the client's connection and the leg, encrypted end to end, spliced. */
export class RemoteLink {
  /** Resolves when the link is over and its sockets are closed. Never rejects. */
  readonly closed: Promise<RemoteLinkEnd>;
  readonly #options: RemoteLinkOptions;
  readonly #abort = new AbortController();
  #linkId = "";
  #splice: Splice | undefined;
  #closing: CloseReason | undefined;
  /** What the control plane says of a link that seemed to be open. */
  readonly #told = Promise.withResolvers<CloseReason>();

  constructor(options: RemoteLinkOptions) {
    this.#options = options;
    // A client that gives up before the leg is there ends the dialling too. Afterwards the splice takes care.
    options.local.on("error", () => {});
    options.local.once("close", this.#localClosed);
    this.closed = this.#run();
  }

  /** What has gone through so far. */
  counts(): { toTenant: number; toRemote: number } {
    const { aToB, bToA } = this.#splice?.counts() ?? { aToB: 0, bToA: 0 };
    return { toTenant: aToB, toRemote: bToA };
  }

  /** Ends the link at once. May be called twice; the first reason counts. */
  destroy(reason: CloseReason): void {
    this.#closing ??= reason;
    this.#abort.abort(new DrawbridgeError(reason.code, reason.message));
    this.#splice?.destroy(reason);
  }

  /**
   * The control plane says that there will be no link. Does nothing once bytes can flow: then the leg tells its end; nor for
   * a leg that was given up for another.
   */
  refused(linkId: string, reason: CloseReason): void {
    if (linkId !== this.#linkId) return;
    if (this.#splice === undefined || this.#neverCame(reason)) this.destroy(reason);
    else this.#told.resolve(reason);
  }

  /** A plain leg counts as open before anybody is at its other end. */
  #neverCame({ code }: CloseReason): boolean {
    return this.#options.plain && code !== "closed" && this.counts().toRemote === 0;
  }

  readonly #localClosed = (): void => {
    this.destroy({ code: "closed", message: "the client closed its connection" });
  };

  async #run(): Promise<RemoteLinkEnd> {
    const { local } = this.#options;
    try {
      const stream = await this.#connectInTurn();
      local.off("close", this.#localClosed);
      this.#splice = splice(local, stream, { aName: "the client", bName: "the tenant redirector" });
      if (this.#closing !== undefined) this.#splice.destroy(this.#closing);
      else this.#options.onOpen(this.#linkId);
      return this.#end(await this.#plainReason(await this.#splice.closed));
    } catch (error) {
      return this.#end(this.#closing ?? (await this.#reasonFor(error)));
    } finally {
      local.destroy();
    }
  }

  /**
   * A plain leg that was refused looks like one whose other end had nothing to say. Only the control plane knows why.
   */
  async #plainReason(reason: CloseReason): Promise<CloseReason> {
    if (!this.#options.plain || this.#closing !== undefined || this.counts().toRemote > 0) return reason;
    const told = await orAborted(this.#told.promise, this.#signalWithin(REASON_MS)).catch(
      () => this.#closing ?? reason,
    );
    return told.code === "closed" ? reason : told;
  }

  #signalWithin(withinMs: number): AbortSignal {
    return AbortSignal.any([this.#abort.signal, AbortSignal.timeout(withinMs)]);
  }

  async #connectInTurn() {
    const endTurn = await this.#options.turns.take(this.#abort.signal);
    try {
      return await this.#connect();
    } finally {
      endTurn();
    }
  }

  /**
   * Why the link was not made. A refused leg is closed without a word, and the control plane's reason for it may come a
   * little later.
   */
  async #reasonFor(error: unknown): Promise<CloseReason> {
    const reason = closeReasonFrom(error);
    if (reason.code !== "closed" || this.#linkId === "") return reason;
    await untilAborted(this.#abort.signal, REASON_MS);
    return this.#closing ?? reason;
  }

  async #connect() {
    const { takeSpare, requestLink, dialLeg, plain, span = NO_SPAN } = this.#options;
    const { signal } = this.#abort;
    const spare = plain ? undefined : takeSpare?.();
    const early = spare && (await this.#overSpare(spare));
    if (early !== undefined) return early;
    const knownAs = (linkId: string): void => this.#knownAs(linkId);
    const ticket = await traced(span, "ask for the link", () => orAborted(requestLink(knownAs), signal));
    const leg = await traced(span, "dial the leg", () => dialLeg(ticket, signal));
    return plain ? leg : traced(span, "end-to-end handshake", () => this.#encrypted(leg));
  }

  #knownAs(linkId: string): void {
    this.#linkId = linkId;
    this.#options.onTicket(linkId);
  }

  /** Undefined where the leg was of no use after all; whoever answers wrongly on it is no reason to try again. */
  async #overSpare({ linkId, leg }: SpareLeg): Promise<TLSSocket | undefined> {
    const { signal } = this.#abort;
    this.#knownAs(linkId);
    void leg.then((socket) => signal.aborted && socket.destroy()).catch(() => {});
    try {
      const dialled = await orAborted(leg, signal);
      const { span = NO_SPAN } = this.#options;
      return await traced(span, "end-to-end handshake", () =>
        this.#encrypted(dialled, { handshakeTimeoutMs: SPARE_HANDSHAKE_MS }),
      );
    } catch (error) {
      const { code } = closeReasonFrom(error);
      if (signal.aborted || code === "certificate-invalid" || code === "protocol-violation") throw error;
      return undefined;
    }
  }

  #encrypted(leg: Socket, limits: { handshakeTimeoutMs?: number } = {}): Promise<TLSSocket> {
    const { identity, verifyTenant, serverName } = this.#options;
    return encryptRemoteLeg(leg, {
      ...limits,
      key: identity.privateKey,
      certificate: identity.certificate,
      certificateAuthorities: identity.certificateAuthorities,
      verifyPeer: verifyTenant,
      serverName,
      signal: this.#abort.signal,
    });
  }

  #end(reason: CloseReason): RemoteLinkEnd {
    return { linkId: this.#linkId, reason, ...this.counts() };
  }
}

/** Resolves when the signal fires, or after so many milliseconds. */
function untilAborted(signal: AbortSignal, withinMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, withinMs);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return promise.finally(() => clearTimeout(timer));
}

/** The promise's outcome, or the signal's reason if that comes first. */
async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    promise.catch(() => {});
  }
}

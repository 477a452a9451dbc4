import { once } from "node:events";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { CloseReason, Splice } from "@drawbridge/dataplane";
import { abortError, acceptTenantLeg, closeReasonFrom, DrawbridgeError, splice } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import { NO_SPAN, type Span, traced } from "../watching/span.ts";
import { expectPeer } from "../wire/peer-verification.ts";

/** What a tenant's end of a link is made of. */
export interface TenantLinkOptions {
  linkId: string;
  target: { name: string; open: (signal: AbortSignal) => Promise<Duplex> };
  /** Dials the leg. */
  dialLeg: (signal: AbortSignal) => Promise<Socket>;
  identity: EnrolledIdentity;
  /** Who has to be at the other end. */
  operator: { name: string; keyFingerprint: string };
  /** Which session and target the other end has to mean. */
  serverName: string;
  /** Carries the leg without end-to-end encryption. Only where the tenant's policy permits it. */
  plain: boolean;
  /** Nobody needs the link yet: the target is dialled when the leg's first byte comes. */
  ahead: boolean;
  /** The link in a trace. Default: nowhere. */
  span?: Span;
  /** Called when the link is needed: at once, but for one ahead. */
  onNeeded: () => void;
  /** Called when target and leg are there. */
  onDialled: () => void;
  /** Called when the other end has been reached and verified. */
  onThrough: () => void;
}

/** How a tenant's end of a link ended. */
export interface TenantLinkEnd {
  /**
   * - `refused`: target or leg could not be dialled
   * - `unused`: nobody needed it
   * - `ended`: target and leg were there, and the link is over
   */
  outcome: "refused" | "unused" | "ended";
  reason: CloseReason;
  /** Bytes to and from the target. */
  toTarget: number;
  fromTarget: number;
}

/** The tenant's end of one link: target and leg, dialled side by side, encrypted end to end, spliced. */
export class TenantLink {
  /** Resolves when the link is over. Never rejects. */
  readonly closed: Promise<TenantLinkEnd>;
  readonly #options: TenantLinkOptions;
  readonly #abort = new AbortController();
  #splice: Splice | undefined;
  #closing: CloseReason | undefined;

  /** Starts to dial. */
  constructor(options: TenantLinkOptions) {
    this.#options = options;
    this.closed = this.#run();
  }

  /** Ends the link at once. May be called twice; the first reason counts. */
  destroy(reason: CloseReason): void {
    this.#closing ??= reason;
    this.#abort.abort(new DrawbridgeError(reason.code, reason.message));
    this.#splice?.destroy(reason);
  }

  async #run(): Promise<TenantLinkEnd> {
    let outcome: TenantLinkEnd["outcome"] = "refused";
    try {
      const { ahead, dialLeg, onNeeded } = this.#options;
      const early = ahead ? await dialLeg(this.#abort.signal) : undefined;
      outcome = "unused";
      if (early !== undefined) await firstByte(early, this.#abort.signal);
      outcome = "refused";
      onNeeded();
      const [target, leg] = await this.#dialBoth(early);
      outcome = "ended";
      this.#options.onDialled();
      const reason = await this.#carry(target, leg);
      return { outcome, reason, ...this.#counts() };
    } catch (error) {
      return { outcome, reason: this.#closing ?? closeReasonFrom(error), ...this.#counts() };
    }
  }

  /**
   * Dials target and leg side by side; when one fails, the other is given up.
   *
   * The leg of a link whose target failed is left to the cloud redirector for a moment: closed here at once, it would
   * often be missed there before the refusal with its reason has come over the control connection.
   */
  async #dialBoth(early: Socket | undefined): Promise<[Duplex, Socket]> {
    const { target, dialLeg, span = NO_SPAN } = this.#options;
    const { signal } = this.#abort;
    const dialTarget = (): Promise<Duplex> =>
      target.open(signal).catch((error: unknown) => {
        throw unreachable(target.name, error);
      });
    const dialledTarget = traced(span, "dial the target", dialTarget);
    const dialledLeg =
      early === undefined ? traced(span, "dial the leg", () => dialLeg(signal)) : Promise.resolve(early);
    try {
      return await Promise.all([dialledTarget, dialledLeg]);
    } catch (error) {
      void dialledTarget.then((socket) => socket.destroy(), nothing);
      void dialledLeg.then(leaveToPeer, nothing);
      throw error;
    }
  }

  async #carry(target: Duplex, leg: Socket): Promise<CloseReason> {
    try {
      const { plain, span = NO_SPAN } = this.#options;
      const stream = plain ? leg : await traced(span, "end-to-end handshake", () => this.#encrypted(leg));
      this.#options.onThrough();
      this.#splice = splice(stream, target, { aName: "the remote redirector", bName: "the target" });
      if (this.#closing !== undefined) this.#splice.destroy(this.#closing);
      return await this.#splice.closed;
    } finally {
      target.destroy();
      leg.destroy();
    }
  }

  #encrypted(leg: Socket): Promise<Duplex> {
    const { identity, operator, serverName } = this.#options;
    const { provider, privateKey, certificate, certificateAuthorities } = identity;
    return acceptTenantLeg(leg, {
      key: privateKey,
      certificate,
      certificateAuthorities,
      verifyPeer: expectPeer({ kind: "operator", provider, ...operator }),
      serverName,
      signal: this.#abort.signal,
    });
  }

  #counts(): { toTarget: number; fromTarget: number } {
    const { aToB, bToA } = this.#splice?.counts() ?? { aToB: 0, bToA: 0 };
    return { toTarget: aToB, fromTarget: bToA };
  }
}

const nothing = (): void => {};

/** Resolves when the first byte is there, unread. Errors: `closed` when the leg ends before; the signal's reason. */
async function firstByte(leg: Socket, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  try {
    await Promise.race([once(leg, "readable", { signal: either }), once(leg, "close", { signal: either })]);
  } catch (error) {
    throw signal.aborted ? abortError(signal) : error;
  } finally {
    over.abort();
    if (leg.readableLength === 0) leg.destroy();
  }
  if (leg.destroyed) throw new DrawbridgeError("closed", "the link was not needed");
}

/** How long a leg that is of no use is left to the cloud redirector to close, in milliseconds. */
const LEAVE_MS = 2_000;

function leaveToPeer(leg: Socket): void {
  const timer = setTimeout(() => leg.destroy(), LEAVE_MS);
  // Read to the end, since a socket that nobody reads does not notice that it was closed.
  leg.resume().once("end", () => leg.destroy());
  leg.once("close", () => clearTimeout(timer));
}

function unreachable(name: string, error: unknown): DrawbridgeError {
  const { code, message, remedy } = closeReasonFrom(error);
  if (code === "cancelled") return new DrawbridgeError(code, message);
  return new DrawbridgeError("target-unreachable", `target ${name} does not answer: ${message}`, {
    remedy: remedy ?? "Check at the tenant that the service is running.",
    cause: error,
  });
}

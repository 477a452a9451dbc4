import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Address, CloseReason, DrawbridgeError, Gateways } from "@drawbridge/dataplane";
import { closeReasonFrom, parseAddress } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { byteAttributes, NO_SPAN, NO_TRACER, type Span, traced, type Tracer } from "../watching/span.ts";
import { expectPeer } from "../wire/peer-verification.ts";
import { PLAIN_NONCE_BYTES, unaskedPermit, verifyPlainPermit } from "../wire/plain-permit.ts";
import { targetServerName } from "../wire/target-server-name.ts";
import { LinkTurns } from "./link-turns.ts";
import { LoopbackListener } from "./loopback-listener.ts";
import { noSession, openOwnLink, type OwnLink } from "./own-link.ts";
import type { RemoteLinkEnd } from "./remote-link.ts";
import { RemoteLink } from "./remote-link.ts";
import type { LinkTicket, OpenedSession, SessionRequest } from "./session-stream.ts";
import { SessionStream } from "./session-stream.ts";
import { platformSocketOwners } from "./socket-owner-platform.ts";
import { type SpareLeg, SpareLegs } from "./spare-legs.ts";

/** Told of what the session does. Must not throw. */
export interface RemoteObserver {
  /** A person at the tenant is being asked, for so many milliseconds. */
  pending(withinMs: number, sessionId: string): void;
  /** @param plain whether the links go without end-to-end encryption: asked for, and permitted by the tenant. */
  opened(session: OpenedSession, plain: boolean): void;
  /** The cloud redirector has made a place for one of the RDP client's links. Default: nobody is told. */
  linkRequested?(linkId: string): void;
  linkOpened(linkId: string, plain: boolean): void;
  linkClosed(end: RemoteLinkEnd): void;
  /** The session goes on, but no longer than so many milliseconds. Default: nobody is told. */
  ending?(withinMs: number, reason: CloseReason): void;
  /**
   * A connection was closed, and no link requested, because it does not come from one of the operator's own processes.
   * Told for the first, and then each time their number has doubled.
   */
  clientRefused(refusal: DrawbridgeError, count: number): void;
}

/** What a remote redirector is made of. */
export interface RemoteRedirectorOptions {
  /** The operator's identity, with its newest certificate: asked for at each link. */
  identity: () => EnrolledIdentity;
  channel: RpcChannel;
  /** Where legs are dialled, and how. */
  gateways: Gateways;
  request: Omit<SessionRequest, "plainNonce" | "linksAhead">;
  /**
   * How many links to have ready before they are needed, at most 4, where the tenant agrees: each saves its round trips.
   * None where plain links are asked for. Default 1.
   */
  linksAhead?: number;
  /** How many links there will be, if that is known: none is made ahead beyond them. Default: any number. */
  links?: number;
  /** Asks for links without end-to-end encryption; they are encrypted all the same if the tenant does not permit it. */
  plain?: boolean;
  /** Where to listen; loopback only. Default: 127.0.0.1, any free port. Of no use to {@link RemoteRedirector.open}. */
  listen?: Address;
  /** Tried in turn where `listen` is in use, or no address of this machine. Default: none. */
  listenElse?: readonly Address[];
  /**
   * Lets every user of this machine use the session, not only the operator's own processes. Default: false, and then
   * connections whose owner the platform does not tell are refused too.
   */
  allowOtherUsers?: boolean;
  observer: RemoteObserver;
  /** Where the session is traced. Default: nowhere. */
  tracer?: Tracer;
  /** Decides whether a tenant's key is to be trusted. Throws to refuse. */
  trustTenantKey: (tenant: string, keyFingerprint: string) => Promise<void>;
}

/** How a session ended. Counts are of plain bytes, from and to the RDP client. */
export interface RemoteSessionEnd {
  reason: CloseReason;
  toTenant: number;
  toRemote: number;
}

/** The remote redirector of one session: a loopback listener whose connections are links to the target. */
export class RemoteRedirector {
  readonly #options: RemoteRedirectorOptions;
  readonly #links = new Set<RemoteLink>();
  readonly #byId = new Map<string, RemoteLink>();
  readonly #listener: LoopbackListener;
  readonly #turns = new LinkTurns();
  readonly #past = { toTenant: 0, toRemote: 0 };
  readonly #closed = Promise.withResolvers<RemoteSessionEnd>();
  #stream: SessionStream | undefined;
  readonly #spares: SpareLegs;
  #span: Span = NO_SPAN;
  /** INVARIANT: true only once the tenant's permit for this session was verified. */
  #plain = false;

  constructor(options: RemoteRedirectorOptions) {
    this.#options = options;
    this.#spares = new SpareLegs((ticket, signal) => this.#dialLeg(ticket, signal), options.links);
    this.#listener = new LoopbackListener({
      onConnection: (socket) => this.#accept(socket),
      onRefused: (refusal, count) => options.observer.clientRefused(refusal, count),
      owners: options.allowOtherUsers === true ? undefined : platformSocketOwners(),
    });
  }

  /** Resolves when the session is over and every connection is closed. Never rejects. */
  get closed(): Promise<RemoteSessionEnd> {
    return this.#closed.promise;
  }

  /** How many links are open or being made. */
  get openLinks(): number {
    return this.#links.size;
  }

  /** What has gone through all links so far. */
  counts(): { toTenant: number; toRemote: number } {
    const total = { ...this.#past };
    for (const link of this.#links) {
      const { toTenant, toRemote } = link.counts();
      total.toTenant += toTenant;
      total.toRemote += toRemote;
    }
    return total;
  }

  /**
   * Opens the session and starts to listen. Returns the address for the RDP client.
   *
   * Errors: every refusal of broker and tenant; `address-in-use`; `certificate-invalid` for a tenant's key that is not
   * trusted; `cancelled`.
   */
  async start(signal: AbortSignal): Promise<Address> {
    const { listen = { host: "127.0.0.1", port: 0 }, listenElse = [] } = this.#options;
    // Listening comes first, so that a port in use is known before anybody at the tenant is asked.
    const address = await this.#listener.listen(listen, ...listenElse);
    await this.open(signal);
    return address;
  }

  /**
   * Opens the session without a listener, for links of this program's own: see {@link openLink}.
   *
   * Errors: every refusal of broker and tenant; `certificate-invalid` for a tenant's key that is not trusted; `cancelled`.
   */
  async open(signal: AbortSignal): Promise<OpenedSession> {
    const { channel, observer, trustTenantKey } = this.#options;
    const plainNonce = this.#options.plain === true ? randomBytes(PLAIN_NONCE_BYTES) : undefined;
    const { tenant, target } = this.#options.request;
    const attributes = { "drawbridge.tenant": tenant, "drawbridge.target": target };
    const span = (this.#span = (this.#options.tracer ?? NO_TRACER).begin("session", { attributes }));
    const { linksAhead: wished = 1, links = wished } = this.#options;
    const linksAhead = plainNonce === undefined ? Math.min(wished, links) : 0;
    const request = { ...this.#options.request, plainNonce, linksAhead, traceparent: span.traceparent };
    let stream: SessionStream | undefined;
    try {
      const linkOver = (linkId: string, reason: CloseReason): void => this.#linkOver(linkId, reason);
      const pending = (withinMs: number, id: string): void => observer.pending(withinMs, id);
      const ending = (withinMs: number, reason: CloseReason): void => observer.ending?.(withinMs, reason);
      const told = { linkOver, ending };
      const open = (): Promise<SessionStream> => SessionStream.open(channel, request, told, pending, signal);
      stream = await traced(span, "consent", open);
      for (const ticket of stream.opened.ahead) this.#spares.add(ticket);
      await trustTenantKey(request.tenant, stream.opened.tenantKeyFingerprint);
      this.#plain = this.#isPlain(stream.opened, plainNonce);
    } catch (error) {
      this.#listener.close();
      this.#spares.destroy();
      stream?.goodbye();
      span.end(closeReasonFrom(error));
      throw error;
    }
    this.#stream = stream;
    this.#options.gateways.replace(stream.opened.gateways, channel.address);
    void stream.closed.then((reason) => this.#end(reason));
    observer.opened(stream.opened, this.#plain);
    return stream.opened;
  }

  /** Errors: `certificate-invalid` for a permit that is not the tenant's word for this session. */
  #isPlain({ plainPermit, tenantKeyFingerprint }: OpenedSession, nonce: Uint8Array | undefined): boolean {
    if (plainPermit === undefined) return false;
    if (nonce === undefined) throw unaskedPermit();
    const { keyFingerprint: operatorKeyFingerprint } = this.#options.identity();
    const { target } = this.#options.request;
    verifyPlainPermit(plainPermit, { nonce, operatorKeyFingerprint, target }, tenantKeyFingerprint);
    return true;
  }

  /** Ends the session: says goodbye and closes every link. Resolves when all is closed. May be called twice. */
  async stop(reason: CloseReason): Promise<void> {
    this.#listener.close();
    this.#spares.destroy();
    this.#stream?.goodbye();
    for (const link of this.#links) link.destroy(reason);
    if (this.#stream !== undefined) await this.closed;
  }

  /**
   * Opens one more link, for this program itself: as one of the RDP client's, but without the listener, and the observer
   * hears nothing of it.
   *
   * Errors: what refused the link, `target-unreachable` above all; the session's end; the signal's reason, which has no
   * effect on a link that was returned.
   */
  async openLink(signal: AbortSignal): Promise<OwnLink> {
    const stream = this.#stream;
    if (stream === undefined) throw noSession();
    return openOwnLink((end, onOpen) => this.#begin(stream, end, { onOpen }), signal);
  }

  #accept(local: Socket): void {
    const stream = this.#stream;
    if (stream === undefined) return void local.destroy();
    const { observer } = this.#options;
    const link = this.#begin(stream, local, {
      onTicket: (linkId) => observer.linkRequested?.(linkId),
      onOpen: (linkId) => observer.linkOpened(linkId, this.#plain),
    });
    void link.closed.then((end) => observer.linkClosed(end));
  }

  #begin(
    stream: SessionStream,
    local: Duplex,
    { onTicket, onOpen }: { onTicket?: (linkId: string) => void; onOpen: (linkId: string) => void },
  ): RemoteLink {
    const { request } = this.#options;
    const identity = this.#options.identity();
    const { sessionId, tenantKeyFingerprint: keyFingerprint } = stream.opened;
    const span = this.#span.begin("link", { attributes: { "drawbridge.session": sessionId } });
    let spare: SpareLeg | undefined;
    const link = new RemoteLink({
      local,
      span,
      turns: this.#turns,
      takeSpare: () => (spare = this.#spares.take()),
      requestLink: (knownAs) => {
        spare = undefined;
        return stream.requestLink(knownAs, { traceparent: span.traceparent });
      },
      dialLeg: (ticket, signal) => this.#dialLeg(ticket, signal),
      identity,
      verifyTenant: expectPeer({ kind: "tenant", name: request.tenant, provider: identity.provider, keyFingerprint }),
      serverName: targetServerName(sessionId, request.target),
      plain: this.#plain,
      onTicket: (linkId) => {
        this.#byId.set(linkId, link);
        onTicket?.(linkId);
      },
      onOpen: (linkId) => {
        if (spare !== undefined) this.#makeAnother(stream);
        onOpen(linkId);
      },
    });
    this.#links.add(link);
    void link.closed.then((end) => {
      this.#links.delete(link);
      for (const [linkId, of] of this.#byId) if (of === link) this.#byId.delete(linkId);
      span.end(end.reason, { "drawbridge.link": end.linkId, ...byteAttributes(end) });
      this.#past.toTenant += end.toTenant;
      this.#past.toRemote += end.toRemote;
    });
    return link;
  }

  /** Once a link over a leg that was dialled ahead is open, and so surely needed, another may be made. */
  #makeAnother(stream: SessionStream): void {
    this.#spares.addAnother(() => stream.requestLink(() => {}, { ahead: true }));
  }

  #dialLeg({ rendezvousAddress: at, token }: LinkTicket, signal: AbortSignal): Promise<Socket> {
    const { channel, gateways } = this.#options;
    if (at !== "") return gateways.reach.dialLeg(parseAddress(at), token, { signal });
    return gateways.dialLeg(channel.address, token, { signal });
  }

  /**
   * The cloud redirector says that a link is over. One whose end is not seen here yet is left to its leg, which may still
   * hold bytes; one that never opened ends with the reason that only the control plane knows.
   */
  #linkOver(linkId: string, reason: CloseReason): void {
    if (!this.#spares.drop(linkId)) this.#byId.get(linkId)?.refused(linkId, reason);
  }

  async #end(reason: CloseReason): Promise<void> {
    this.#listener.close();
    this.#spares.destroy();
    const links = [...this.#links];
    for (const link of links) link.destroy(reason);
    await Promise.all(links.map((link) => link.closed));
    const counts = this.counts();
    const id = this.#stream?.opened.sessionId ?? "";
    this.#span.end(reason, { "drawbridge.session": id, ...byteAttributes(counts) });
    this.#closed.resolve({ reason, ...counts });
  }
}

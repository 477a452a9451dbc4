import type { CloseReason } from "@drawbridge/dataplane";
import type { Span, Tracer } from "../watching/span.ts";
import type { OfferedLink, OfferedSession } from "./offers.ts";
import type { SessionTotals } from "./open-session.ts";
import type { TenantLinkEnd } from "./tenant-link.ts";
import type { TenantSessionObserver } from "./tenant-session-observer.ts";

interface SessionSpans {
  readonly session: Span;
  consent: Span | undefined;
  readonly links: Map<string, Span>;
}

/** Traces what sessions and links do at the tenant, inside the traces that the cloud redirector names. */
export class TenantTraces implements TenantSessionObserver {
  readonly #tracer: Tracer;
  readonly #spans = new WeakMap<OfferedSession, SessionSpans>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** The span of a link that begins. */
  link(session: OfferedSession, { linkId, sessionId, traceparent }: OfferedLink): Span {
    const attributes = { "drawbridge.session": sessionId, "drawbridge.link": linkId };
    const spans = this.#spans.get(session);
    const span = (spans?.session ?? this.#tracer).begin("link", { attributes, parent: traceparent });
    spans?.links.set(linkId, span);
    return span;
  }

  sessionOffered(offer: OfferedSession): void {
    const { sessionId, target, traceparent } = offer;
    const attributes = { "drawbridge.session": sessionId, "drawbridge.target": target };
    const session = this.#tracer.begin("session", { attributes, parent: traceparent });
    this.#spans.set(offer, { session, consent: undefined, links: new Map() });
  }

  sessionPending(offer: OfferedSession): void {
    const spans = this.#spans.get(offer);
    if (spans !== undefined) spans.consent = spans.session.begin("consent");
  }

  sessionOpened(offer: OfferedSession): void {
    this.#spans.get(offer)?.consent?.end();
  }

  sessionRefused(offer: OfferedSession, reason: CloseReason): void {
    this.#over(offer, reason);
  }

  sessionWithdrawn(offer: OfferedSession, reason: CloseReason): void {
    this.#over(offer, reason);
  }

  sessionEnded(offer: OfferedSession, reason: CloseReason, { toTarget, fromTarget }: SessionTotals): void {
    const bytes = { "drawbridge.bytes_to_tenant": toTarget, "drawbridge.bytes_to_remote": fromTarget };
    this.#spans.get(offer)?.session.end(reason, bytes);
  }

  linkOpened(): void {}

  linkClosed(offer: OfferedSession, linkId: string, { reason, toTarget, fromTarget }: TenantLinkEnd): void {
    const links = this.#spans.get(offer)?.links;
    const bytes = { "drawbridge.bytes_to_tenant": toTarget, "drawbridge.bytes_to_remote": fromTarget };
    links?.get(linkId)?.end(reason, bytes);
    links?.delete(linkId);
  }

  #over(offer: OfferedSession, reason: CloseReason): void {
    const spans = this.#spans.get(offer);
    spans?.consent?.end(reason);
    spans?.session.end(reason);
  }
}

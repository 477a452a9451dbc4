import type { CloseReason } from "@drawbridge/dataplane";
import { closeReason } from "@drawbridge/dataplane";
import type { Tracer } from "../watching/span.ts";
import { canonicalTarget } from "../wire/free-target.ts";
import type { OperatorAccessOptions } from "./operator-access.ts";
import { OperatorAccess } from "./operator-access.ts";
import type { OwnLink } from "./own-link.ts";
import type { RemoteSessionEnd } from "./remote-redirector.ts";
import { RemoteRedirector } from "./remote-redirector.ts";
import type { OpenedSession } from "./session-stream.ts";

/** What a session of a program's own is asked for. */
export interface SessionOptions extends OperatorAccessOptions {
  /** A connection to the provider that is open already; it stays open. Default: one for this session alone. */
  access?: OperatorAccess | undefined;
  /** The tenant's name, whole. */
  tenant: string;
  /** Which of the tenant's targets; or `host:port` of one that only its policy permits. Default `rdp`. */
  target?: string | undefined;
  /** Why: the tenant sees it, and it is kept in the audit log. At most 1,024 bytes. Default: empty. */
  reason?: string | undefined;
  /** A ticket number or the like. Default: empty. */
  ticket?: string | undefined;
  /** How long the session may last at most, in milliseconds. Default: as long as the provider allows. */
  maxDurationMs?: number | undefined;
  /**
   * How many links to have ready before they are opened, from 0 to 4, where the tenant agrees: each then opens without its
   * round trips. Default 1.
   */
  linksAhead?: number | undefined;
  /** How many links will be opened in all: none is made ahead beyond them. Default: any number. */
  links?: number | undefined;
  /**
   * Asks for links without end-to-end encryption, which the provider's server can read and change. Default false: never.
   */
  plain?: boolean | undefined;
  /** Told that a person at the tenant is being asked, and for how many milliseconds. Must not throw. */
  onPending?: ((withinMs: number, sessionId: string) => void) | undefined;
  /** Where the session is traced. Default: nowhere. */
  tracer?: Tracer | undefined;
}

const DONE = closeReason("closed", "the operator ended the session");

/** A session of a program's own: any number of links to one target of one tenant. Made by {@link openSession}. */
export class OperatorSession implements AsyncDisposable {
  readonly tenant: string;
  readonly target: string;
  /** As `drawbridge sessions` and the audit logs show it. */
  readonly id: string;
  /** How long it may last from its opening on, in milliseconds; undefined: without limit. */
  readonly expiresInMs: number | undefined;
  /** Whether its links go without end-to-end encryption: asked for, and permitted by the tenant. */
  readonly isPlain: boolean;
  /** Resolves to why the session is over, once all its links are. Never rejects. */
  readonly closed: Promise<RemoteSessionEnd>;
  readonly #remote: RemoteRedirector;

  /** @internal */
  constructor(
    remote: RemoteRedirector,
    opened: OpenedSession,
    { tenant, target }: { tenant: string; target: string },
    closed: Promise<RemoteSessionEnd>,
  ) {
    this.#remote = remote;
    this.tenant = tenant;
    this.target = target;
    this.id = opened.sessionId;
    this.expiresInMs = opened.expiresInMs;
    this.isPlain = opened.plainPermit !== undefined;
    this.closed = closed;
  }

  /**
   * Opens a link: a connection to the target, from end to end.
   *
   * Errors: what refused the link, `target-unreachable` above all; the session's end; the signal's reason, which has no
   * effect on a link that was returned.
   */
  openLink(signal: AbortSignal = NEVER): Promise<OwnLink> {
    return this.#remote.openLink(signal);
  }

  /** How many links are open or being made. */
  get openLinks(): number {
    return this.#remote.openLinks;
  }

  /** Plain bytes through all links so far. */
  counts(): { toTenant: number; toRemote: number } {
    return this.#remote.counts();
  }

  /** Ends the session and its links at once. Resolves when all is closed. May be called twice. */
  async stop(reason: CloseReason = DONE): Promise<void> {
    await this.#remote.stop(reason);
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A signal that never fires. */
const NEVER = new AbortController().signal;

/**
 * Opens a session to a tenant's target as an enrolled operator, without a listener: its links are for this program.
 *
 * It lives as long as its connection to the provider, until `stop`, and no longer than provider and tenant allow.
 *
 * Errors: `invalid-argument` for a `host:port` that is none; those of {@link OperatorAccess.open}; every refusal of provider and tenant, such as `tenant-offline`,
 * `target-not-found`, `permission-denied` or `consent-refused`; `certificate-invalid` for a tenant's key that is not
 * trusted; `cancelled`.
 *
 * @param options its `signal` gives the opening up, and has no effect on a session that was returned.
 */
export async function openSession(options: SessionOptions): Promise<OperatorSession> {
  const target = canonicalTarget(options.target ?? "rdp");
  const access = options.access ?? (await OperatorAccess.open(options));
  const giveUp = (): Promise<void> => (options.access === undefined ? access.close() : Promise.resolve());
  const { tenant, reason = "", ticket = "", maxDurationMs, plain = false, tracer } = options;
  const { linksAhead, links } = options;
  const remote = new RemoteRedirector({
    identity: () => access.identity,
    channel: access.channel,
    gateways: access.gateways,
    request: { tenant, target, reason, ticket, maxDurationMs },
    plain,
    ...(linksAhead !== undefined && { linksAhead }),
    ...(links !== undefined && { links }),
    observer: { ...NOBODY, pending: (...what) => options.onPending?.(...what) },
    ...(tracer && { tracer }),
    trustTenantKey: options.trustTenantKey ?? access.trustTenantKey,
  });
  try {
    const opened = await remote.open(options.signal ?? NEVER);
    const closed = remote.closed.finally(giveUp);
    return new OperatorSession(remote, opened, { tenant, target }, closed);
  } catch (error) {
    await giveUp();
    throw error;
  }
}

const NOBODY = {
  pending: () => {},
  opened: () => {},
  linkOpened: () => {},
  linkClosed: () => {},
  clientRefused: () => {},
};

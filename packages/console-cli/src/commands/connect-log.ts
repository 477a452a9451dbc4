import type { RemoteObserver, RemoteSessionEnd } from "@drawbridge/control/remote";
import type { Log } from "@drawbridge/control/wire";
import type { CloseReason } from "@drawbridge/dataplane";

/** Logs a session and its links, each line with the session's id as soon as the cloud redirector has told it. */
export class ConnectLog {
  readonly #log: Log;
  readonly #about: { tenant: string; target: string };
  /** Empty until it is known. */
  #session = "";

  constructor(log: Log, tenant: string, target: string) {
    this.#log = log;
    this.#about = { tenant, target };
  }

  /** The session was asked for. */
  asking(): void {
    const { tenant, target } = this.#about;
    this.#tell("session-asked", {}, `asks ${tenant} for ${target}`);
  }

  /** Logs what an observer is told, and tells it. */
  around(observer: RemoteObserver): RemoteObserver {
    return {
      ...observer,
      pending: (withinMs, sessionId) => {
        this.#session = sessionId;
        const text = `session ${sessionId} waits for the tenant's consent`;
        this.#tell("session-pending", { withinMs: Math.round(withinMs) }, text);
        observer.pending(withinMs, sessionId);
      },
      opened: (session, plain) => {
        this.#session = session.sessionId;
        this.#tell("session-opened", { plain }, `session ${session.sessionId} is open`);
        observer.opened(session, plain);
      },
      linkRequested: (link) => {
        this.#link("link-requested", link, {}, "is requested");
        observer.linkRequested?.(link);
      },
      linkOpened: (link, plain) => {
        this.#link("link-opened", link, { plain }, "is open");
        observer.linkOpened(link, plain);
      },
      linkClosed: (end) => {
        const { linkId, reason, toTenant, toRemote } = end;
        const fields = { code: reason.code, why: reason.message, toTenant, toRemote };
        this.#link("link-ended", linkId, fields, `ended: ${reason.message}`);
        observer.linkClosed(end);
      },
      ending: (withinMs, reason) => {
        const fields = { withinMs: Math.round(withinMs), code: reason.code, why: reason.message };
        this.#tell("session-ending", fields, `the session will be ended: ${reason.message}`);
        observer.ending?.(withinMs, reason);
      },
    };
  }

  /** There will be no session. */
  refused({ code, message }: CloseReason): void {
    this.#tell("session-refused", { code, why: message }, `there is no session: ${message}`);
  }

  /** The session is over. */
  ended({ reason, toTenant, toRemote }: RemoteSessionEnd): void {
    const { code, message } = reason;
    const text = `session ${this.#session} ended: ${message}`;
    this.#tell("session-ended", { code, why: message, toTenant, toRemote }, text);
  }

  #tell(event: string, fields: object, text: string): void {
    const session = this.#session === "" ? {} : { session: this.#session };
    this.#log.info({ event, ...session, ...this.#about, ...fields }, text);
  }

  /** A link that never got an id has none in the log. */
  #link(event: string, link: string, fields: object, what: string): void {
    const id = link === "" ? {} : { link };
    this.#log.info({ event, session: this.#session, ...id, ...fields }, `link ${link} of ${this.#session} ${what}`);
  }
}

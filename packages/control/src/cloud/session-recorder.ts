import type { CloseReason, LinkSetUp } from "@drawbridge/dataplane";
import type { Store } from "../store/index.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AuditLog } from "./audit-log.ts";
import { BoundedWrites } from "./bounded-writes.ts";
import type { Metrics } from "./metrics/metrics-port.ts";
import type { LinkNews } from "./ports.ts";
import type { Session } from "./session.ts";
import type { SessionObserver } from "./session-broker.ts";

/** Writes what sessions do into the store's history, the audit log and the log. */
export class SessionRecorder implements SessionObserver {
  readonly #store: Store;
  readonly #audit: AuditLog;
  readonly #clock: WallClock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #writes = new BoundedWrites();

  constructor(store: Store, audit: AuditLog, clock: WallClock, log: Log, metrics: Metrics) {
    this.#store = store;
    this.#audit = audit;
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
  }

  started(session: Session): void {
    const { id, operator, purpose, startedAt } = session;
    const sourceAddress = operator.sourceAddress;
    this.#write(() =>
      this.#store.sessions.started({ id, operator: operator.name, ...purpose, sourceAddress, startedAt }),
    );
    this.#note(session, "session-requested", { source: sourceAddress }, "asked for");
  }

  consentAsked(session: Session, withinMs: number): void {
    const fields = { withinMs: Math.round(withinMs) };
    this.#tell(session, "session-pending", fields, "waits for a person at the tenant");
  }

  opened(session: Session): void {
    const { decidedBy, plain } = session.state.name === "open" ? session.state : { decidedBy: "", plain: false };
    const what = plain ? "opened, with plain links" : "opened";
    this.#note(session, "session-opened", { decidedBy, plain }, what);
  }

  ended(session: Session, reason: CloseReason): void {
    const { toTenant, toRemote } = session.bytes();
    const end = {
      endedAt: this.#clock.wallNow(),
      closeCode: reason.code,
      bytesToTenant: toTenant,
      bytesToRemote: toRemote,
    };
    this.#write(() => this.#store.sessions.ended(session.id, end));
    const particulars = { code: reason.code, why: reason.message, toTenant, toRemote };
    this.#note(session, "session-ended", particulars, `ended (${reason.message})`);
  }

  link(session: Session, news: LinkNews): void {
    const { what, linkId: link } = news;
    switch (what) {
      case "requested":
        return this.#tellLink(session, "link-requested", { link }, "is requested");
      case "paired":
        return this.#tellLink(session, "link-paired", { link, ...rounded(news.setUp) }, "is paired");
      case "refused": {
        const { code, message: why } = news.reason;
        return this.#tellLink(session, "link-refused", { link, code, why }, `is refused: ${why}`);
      }
      case "ended": {
        const { reason, bytes, setUp } = news;
        const fields = { link, code: reason.code, why: reason.message, ...bytes, ...rounded(setUp) };
        return this.#tellLink(session, "link-ended", fields, `ended (${reason.message})`);
      }
    }
  }

  /** Resolves when everything so far is written. */
  flushed(): Promise<void> {
    return this.#writes.idle();
  }

  #note(session: Session, event: string, particulars: object, what: string): void {
    const { id, operator, purpose } = session;
    const { tenant, target, reason, ticket } = purpose;
    const details = { session: id, target, reason, ticket, ...particulars };
    void this.#audit.record(event, { operator: operator.name, tenant, details });
    this.#tell(session, event, particulars, what);
  }

  #tell({ id, operator, purpose }: Session, event: string, particulars: object, what: string): void {
    const { tenant, target } = purpose;
    const fields = { event, session: id, operator: operator.name, tenant, target, ...particulars };
    this.#log.info(fields, `session ${id} of ${operator.name} to ${tenant}/${target} ${what}`);
  }

  #tellLink(
    { id }: Session,
    event: string,
    particulars: { link: string; [field: string]: unknown },
    what: string,
  ): void {
    this.#log.info({ event, session: id, ...particulars }, `link ${particulars.link} of session ${id} ${what}`);
  }

  #write(write: () => Promise<void>): void {
    this.#writes.run(write).catch((error: unknown) => {
      this.#metrics.auditFailed();
      this.#log.error({ event: "store-failed", err: error }, "the session history could not be written");
    });
  }
}

/** To the tenth of a millisecond; what was not reached is left out. */
function rounded(setUp: LinkSetUp): object {
  const reached = Object.entries(setUp).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(reached.map(([step, ms]) => [step, Math.round(ms * 10) / 10]));
}

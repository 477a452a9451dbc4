import type { CloseReason } from "@drawbridge/dataplane";
import type { Store } from "../store/index.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Session } from "./session.ts";
import type { SessionObserver } from "./session-broker.ts";

/** Writes what sessions do into the store's history, the audit log and the log. */
export class SessionRecorder implements SessionObserver {
  readonly #store: Store;
  readonly #audit: AuditLog;
  readonly #clock: WallClock;
  readonly #log: Log;
  #last: Promise<void> = Promise.resolve();

  constructor(store: Store, audit: AuditLog, clock: WallClock, log: Log) {
    this.#store = store;
    this.#audit = audit;
    this.#clock = clock;
    this.#log = log;
  }

  started(session: Session): void {
    const { id, operator, purpose, startedAt } = session;
    const sourceAddress = operator.sourceAddress;
    this.#write(() =>
      this.#store.sessions.started({ id, operator: operator.name, ...purpose, sourceAddress, startedAt }),
    );
    this.#note(session, "session-requested", { source: sourceAddress }, "asked for");
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

  /** Resolves when everything so far is written. */
  flushed(): Promise<void> {
    return this.#last;
  }

  #note(session: Session, event: string, particulars: object, what: string): void {
    const { id, operator, purpose } = session;
    const { tenant, target, reason, ticket } = purpose;
    const details = { session: id, target, reason, ticket, ...particulars };
    void this.#audit.record(event, { operator: operator.name, tenant, details });
    const fields = { event, session: id, operator: operator.name, tenant, target, ...particulars };
    this.#log.info(fields, `session ${id} of ${operator.name} to ${tenant}/${target} ${what}`);
  }

  #write(write: () => Promise<void>): void {
    this.#last = this.#last.then(write).catch((error: unknown) => {
      this.#log.error({ event: "store-failed", err: error }, "the session history could not be written");
    });
  }
}

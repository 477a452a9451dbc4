import { join } from "node:path";
import type { CloseReason } from "@drawbridge/dataplane";
import { formatFingerprint } from "../identity/index.ts";
import type { AuditLogFile, AuditStore, AuditSubject } from "../store/index.ts";
import { openSqliteAuditLog } from "../store/index.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import type { OfferedSession } from "./offers.ts";
import type { TenantSessionObserver } from "./tenant-session-observer.ts";

const FILE = "audit.db";

/** The tenant's own audit log, which the provider can neither see nor change. */
export class TenantAuditLog {
  readonly #file: AuditLogFile;
  readonly #tenant: string;
  readonly #clock: WallClock;
  readonly #log: Log;
  #last: Promise<void> = Promise.resolve();
  #failing = false;

  private constructor(file: AuditLogFile, tenant: string, clock: WallClock, log: Log) {
    this.#file = file;
    this.#tenant = tenant;
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens the log of a home. Several processes may write it at once. Errors: `home-missing`, `home-invalid`. */
  static async open(home: string, tenant: string, clock: WallClock, log: Log): Promise<TenantAuditLog> {
    return new TenantAuditLog(await openSqliteAuditLog(join(home, FILE), clock.wallNow()), tenant, clock, log);
  }

  /** For reading and verifying. */
  get records(): Pick<AuditStore, "read" | "verify"> {
    return this.#file.audit;
  }

  /** Why no session may begin: what happens in it could not be written down. Undefined while all is well. */
  obstacle(): CloseReason | undefined {
    if (!this.#failing) return undefined;
    const remedy = "Tell the tenant: its log of `drawbridge tenant run` says why, a full disk for example.";
    return { code: "unavailable", message: "the tenant cannot write its audit log", remedy };
  }

  /** Writes a record, after those before it. Resolves when it is durable, or its failure was logged. Never rejects. */
  record(event: string, details: AuditSubject["details"] & object, operator?: string): Promise<void> {
    const subject = { tenant: this.#tenant, details, ...(operator !== undefined && { operator }) };
    const written = this.#file.audit.append(event, subject, this.#clock.wallNow()).then(
      () => void (this.#failing = false),
      (error: unknown) => {
        this.#failing = true;
        this.#log.error({ event: "audit-failed", err: error }, `the audit record ${event} could not be written`);
      },
    );
    this.#last = Promise.all([this.#last, written]).then(() => {});
    return written;
  }

  /** Writes down what sessions do. */
  observer(): TenantSessionObserver {
    const note = (event: string, offer: OfferedSession, details: object = {}): void => {
      const { sessionId: session, operator, target, place } = offer;
      const addresses = place?.addresses.map(({ address }) => address);
      void this.record(event, { session, target, ...(addresses && { addresses }), ...details }, operator);
    };
    const why = ({ code, message }: CloseReason) => ({ code, why: message });
    return {
      sessionOffered: (offer) => note("session-offered", offer, particulars(offer)),
      sessionPending: (offer, because, withinMs) =>
        note("consent-asked", offer, { because, withinSeconds: withinMs / 1000 }),
      sessionOpened: (offer, { consent, plain }) => note("session-opened", offer, { consent, plain }),
      sessionRefused: (offer, reason, by) => note("session-refused", offer, { by, ...why(reason) }),
      sessionWithdrawn: (offer, reason) => note("session-withdrawn", offer, why(reason)),
      sessionEnded: (offer, reason, totals) => note("session-ended", offer, { ...why(reason), ...totals }),
      linkOpened: (offer, link, plain) => note("link-opened", offer, { link, plain }),
      linkClosed: (offer, link, { outcome, reason, toTarget, fromTarget }) =>
        note("link-closed", offer, { link, outcome, ...why(reason), toTarget, fromTarget }),
    };
  }

  /** Gives the file up once everything is written. May be called twice. */
  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }
}

function particulars(offer: OfferedSession): object {
  const { operatorRole: role, reason, ticket, sourceAddress: source, operatorKeyFingerprint } = offer;
  const operatorKey = formatFingerprint(Buffer.from(operatorKeyFingerprint, "hex"));
  return { role, reason, ticket, source, operatorKey, plainAsked: offer.plainNonce !== undefined };
}

import type { CloseReason } from "../close-reason.ts";
import { DrawbridgeError, isErrorCode } from "../errors.ts";
import type { RateLimits } from "../link-rates.ts";

/*
 * What the main process and its data-plane workers say to each other, over Node's channel between processes. Both are the
 * same program; but it may have been replaced on the disk since the main process started, and a worker that errs must not
 * take the main process with it: so each message is checked where it comes in.
 */

/** To be counted up when a message changes: a worker of another version is not used. */
export const WORKER_PROTOCOL = 1;

/** A leg has at most so many bytes that came early when it is handed over; one with more stays. */
export const MAX_EARLY_BYTES = 512 * 1024;
/** Links in one report; more go into several. */
export const MAX_REPORTED_LINKS = 512;
const MAX_TEXT = 1024;

/**
 * What a worker is told.
 *
 * - `start`: first of all; the caps that its links have to keep
 * - `remote-leg`, `tenant-leg`: with the socket, and the bytes that were read from it already. The second begins the splice
 * - `destroy`: ends a link at once; why is known to the main process
 * - `ping`: asks for a `pong`
 */
export type WorkerOrder =
  | { readonly kind: "start"; readonly rates: RateLimits }
  | { readonly kind: "remote-leg"; readonly link: number; readonly early: Uint8Array }
  | {
      readonly kind: "tenant-leg";
      readonly link: number;
      readonly early: Uint8Array;
      readonly tenant: string;
      readonly session: string | undefined;
    }
  | { readonly kind: "destroy"; readonly link: number }
  | { readonly kind: "ping" };

/** A link's figures as they stand. Times are ages, in milliseconds: the clocks of processes have no common zero. */
export interface LinkFigures {
  readonly link: number;
  readonly aToB: number;
  readonly bToA: number;
  /** Since the first byte moved; undefined: none has. */
  readonly firstByteAgoMs: number | undefined;
  readonly lastActivityAgoMs: number;
}

/**
 * What a worker tells.
 *
 * - `ready`: it takes links
 * - `running`: both legs of a link are there
 * - `report`: the figures of the links that moved bytes
 * - `ended`: a link is over and its sockets are closed; the figures are final
 * - `pong`: the answer to a `ping`
 */
export type WorkerNews =
  | { readonly kind: "ready"; readonly protocol: number }
  | { readonly kind: "running"; readonly link: number }
  | { readonly kind: "report"; readonly links: readonly LinkFigures[] }
  | { readonly kind: "ended"; readonly reason: CloseReason; readonly figures: LinkFigures }
  | { readonly kind: "pong" };

/** Reads what a worker is told. @throws DrawbridgeError `protocol-violation` */
export function readOrder(value: unknown): WorkerOrder {
  const fields = new Fields(value);
  const kind = fields.text("kind");
  switch (kind) {
    case "start":
      return { kind, rates: readRates(fields.inner("rates")) };
    case "remote-leg":
      return { kind, link: fields.count("link"), early: fields.bytes("early") };
    case "tenant-leg":
      return {
        kind,
        link: fields.count("link"),
        early: fields.bytes("early"),
        tenant: fields.text("tenant"),
        session: fields.has("session") ? fields.text("session") : undefined,
      };
    case "destroy":
      return { kind, link: fields.count("link") };
    case "ping":
      return { kind };
    default:
      throw violation("kind");
  }
}

/** Reads what a worker tells. @throws DrawbridgeError `protocol-violation` */
export function readNews(value: unknown): WorkerNews {
  const fields = new Fields(value);
  const kind = fields.text("kind");
  switch (kind) {
    case "ready":
      return { kind, protocol: fields.count("protocol") };
    case "running":
      return { kind, link: fields.count("link") };
    case "report":
      return { kind, links: fields.list("links", MAX_REPORTED_LINKS).map(readFigures) };
    case "ended":
      return { kind, reason: readReason(fields.inner("reason")), figures: readFigures(fields.inner("figures")) };
    case "pong":
      return { kind };
    default:
      throw violation("kind");
  }
}

function readFigures(fields: Fields): LinkFigures {
  return {
    link: fields.count("link"),
    aToB: fields.count("aToB"),
    bToA: fields.count("bToA"),
    firstByteAgoMs: fields.has("firstByteAgoMs") ? fields.amount("firstByteAgoMs") : undefined,
    lastActivityAgoMs: fields.amount("lastActivityAgoMs"),
  };
}

function readRates(fields: Fields): RateLimits {
  const rate = (name: string): number | undefined => (fields.has(name) ? fields.amount(name) : undefined);
  return { perSession: rate("perSession"), perTenant: rate("perTenant"), inAll: rate("inAll") };
}

function readReason(fields: Fields): CloseReason {
  const code = fields.text("code");
  if (!isErrorCode(code)) throw violation("code");
  const message = fields.text("message");
  const remedy = fields.has("remedy") ? { remedy: fields.text("remedy") } : {};
  const limit = fields.has("limit") ? { limit: fields.text("limit") } : {};
  return { code, message, ...remedy, ...limit };
}

const violation = (field: string): DrawbridgeError =>
  new DrawbridgeError("protocol-violation", `a message between main process and worker has a wrong ${field}`);

/** The fields of a message, each checked as it is read. */
class Fields {
  readonly #record: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null) throw violation("form");
    this.#record = value as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#record[name] !== undefined;
  }

  text(name: string): string {
    const value = this.#record[name];
    if (typeof value !== "string" || value.length > MAX_TEXT) throw violation(name);
    return value;
  }

  /** A number from 0 on. */
  amount(name: string): number {
    const value = this.#record[name];
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw violation(name);
    return value;
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.amount(name);
    if (!Number.isSafeInteger(value)) throw violation(name);
    return value;
  }

  bytes(name: string): Uint8Array {
    const value = this.#record[name];
    if (!(value instanceof Uint8Array) || value.length > MAX_EARLY_BYTES) throw violation(name);
    return value;
  }

  inner(name: string): Fields {
    return new Fields(this.#record[name]);
  }

  list(name: string, most: number): Fields[] {
    const value = this.#record[name];
    if (!Array.isArray(value) || value.length > most) throw violation(name);
    return value.map((item) => new Fields(item));
  }
}

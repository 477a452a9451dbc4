import type { AuditFilter, AuditRecord, AuditSubject, Store } from "../store/index.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { BoundedWrites } from "./bounded-writes.ts";

const PAGE = 500;
/** How often a follower looks for records that were not written by way of this object, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;

/** Writes records into the audit log. */
export type AuditWriter = Pick<AuditLog, "record">;

/** The audit log of the running cloud redirector: writes records, and lets readers follow them. */
export class AuditLog {
  readonly #store: Store;
  readonly #clock: WallClock;
  readonly #onFailure: (error: unknown, event: string) => void;
  readonly #followers = new Set<() => void>();
  readonly #writes = new BoundedWrites();

  /** @param onFailure told of a record that could not be written. */
  constructor(store: Store, clock: WallClock, onFailure: (error: unknown, event: string) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** Writes a record, after those before it. Resolves when it is durable, or its failure was told to `onFailure`. */
  record(event: string, subject: AuditSubject = {}): Promise<void> {
    const at = this.#clock.wallNow();
    return this.#writes.run(async () => {
      try {
        await this.#store.audit.append(event, subject, at);
        for (const wake of this.#followers) wake();
      } catch (error) {
        this.#onFailure(error, event);
      }
    });
  }

  /** The records in order; with `follow`, goes on as they are written, until the signal fires. */
  async *read(filter: AuditFilter, follow: boolean, signal: AbortSignal): AsyncGenerator<AuditRecord, void, undefined> {
    let afterSequence = filter.afterSequence ?? 0;
    while (!signal.aborted) {
      const woken = this.#nextRecord(signal);
      try {
        const page = await this.#store.audit.read({ ...filter, afterSequence, limit: PAGE });
        for (const record of page) {
          afterSequence = record.sequence;
          yield record;
        }
        if (page.length < PAGE && !follow) return;
        if (page.length === 0) await woken.promise;
      } finally {
        woken.cancel();
      }
    }
  }

  /** Resolves when all records so far are written. */
  flushed(): Promise<void> {
    return this.#writes.idle();
  }

  /** Resolves when a record was written after this call, may have been by others, or the signal fires. */
  #nextRecord(signal: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => {
      timer.cancel();
      this.#followers.delete(done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = this.#clock.setTimer(LOOK_AGAIN_MS, done);
    this.#followers.add(done);
    signal.addEventListener("abort", done, { once: true });
    return { promise, cancel: done };
  }
}

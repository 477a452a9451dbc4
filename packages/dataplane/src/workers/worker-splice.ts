import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { CloseReason } from "../close-reason.ts";
import type { RatedLink } from "../link-rates.ts";
import type { Splice, SpliceCounts, SpliceTimes } from "../splice.ts";
import type { LinkFigures } from "./worker-messages.ts";

/** The two legs of a link, with whose link it is. */
export interface LinkLegs {
  readonly remote: Socket;
  readonly tenant: Socket;
  readonly link: RatedLink;
}

/**
 * - `waiting`: to be handed over; the legs are still here, and nothing else holds them
 * - `away`: a worker has it
 * - `here`: it is spliced in this process after all; final
 * - `ended`: final
 */
type WorkerSpliceState =
  | { readonly kind: "waiting"; readonly legs: LinkLegs }
  | { readonly kind: "away"; readonly destroy: () => void }
  | { readonly kind: "here"; readonly splice: Splice }
  | { readonly kind: "ended" };

/** A splice in a worker, as this process sees it: a little late while it runs, exact once it is closed. */
export class WorkerSplice implements Splice {
  readonly closed: Promise<CloseReason>;
  readonly #closed = Promise.withResolvers<CloseReason>();
  readonly #clock: Clock;
  readonly #spliceHere: (legs: LinkLegs) => Splice;
  #times: SpliceTimes;
  #counts: SpliceCounts = { aToB: 0, bToA: 0 };
  #state: WorkerSpliceState;
  #wanted: CloseReason | undefined;

  constructor(legs: LinkLegs, clock: Clock, spliceHere: (legs: LinkLegs) => Splice) {
    this.closed = this.#closed.promise;
    this.#state = { kind: "waiting", legs };
    this.#clock = clock;
    this.#spliceHere = spliceHere;
    const now = clock.now();
    this.#times = { startedAt: now, firstByteAt: undefined, lastActivityAt: now };
  }

  get path(): Splice["path"] {
    return this.#state.kind === "here" ? this.#state.splice.path : "worker";
  }

  /** Undefined when they are not here any more. */
  get legs(): LinkLegs | undefined {
    return this.#state.kind === "waiting" ? this.#state.legs : undefined;
  }

  counts(): SpliceCounts {
    return this.#state.kind === "here" ? this.#state.splice.counts() : this.#counts;
  }

  times(): SpliceTimes {
    if (this.#state.kind !== "here") return this.#times;
    return { ...this.#state.splice.times(), startedAt: this.#times.startedAt };
  }

  destroy(reason: CloseReason): void {
    this.stay();
    if (this.#state.kind === "here") this.#state.splice.destroy(reason);
    if (this.#state.kind !== "away" || this.#wanted !== undefined) return;
    this.#wanted = reason;
    this.#state.destroy();
  }

  /** Splices in this process, if the legs are still here. */
  stay(): void {
    if (this.#state.kind !== "waiting") return;
    const splice = this.#spliceHere(this.#state.legs);
    this.#state = { kind: "here", splice };
    void splice.closed.then((reason) => this.#closed.resolve(reason));
  }

  /** The legs are on their way to a worker. @param destroy makes it end the link; called at most once */
  leave(destroy: () => void): void {
    this.#state = { kind: "away", destroy };
  }

  /** What the worker counted. */
  note({ aToB, bToA, firstByteAgoMs, lastActivityAgoMs }: LinkFigures): void {
    const { startedAt, firstByteAt } = this.#times;
    const now = this.#clock.now();
    const at = (agoMs: number): number => Math.max(startedAt, now - agoMs);
    this.#counts = { aToB, bToA };
    this.#times = {
      startedAt,
      firstByteAt: firstByteAt ?? (firstByteAgoMs === undefined ? undefined : at(firstByteAgoMs)),
      lastActivityAt: at(lastActivityAgoMs),
    };
  }

  /** The worker ended it, or is gone. Whoever asked for the end knows better why. */
  end(reason: CloseReason): void {
    if (this.#state.kind !== "away") return;
    this.#state = { kind: "ended" };
    this.#closed.resolve(this.#wanted ?? reason);
  }
}

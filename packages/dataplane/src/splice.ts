import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { systemClock, type Clock } from "./clock.ts";
import { closeReason, closeReasonFrom, type CloseReason } from "./close-reason.ts";
import { type DeadPeerWatch, systemDeadPeerWatch } from "./dead-peer-watch.ts";
import { FastFlow, isFast } from "./fast-flow.ts";
import type { Flow } from "./flow.ts";
import { fromNodeError } from "./node-error.ts";
import { resetSocket } from "./reset-socket.ts";
import { StreamFlow } from "./stream-flow.ts";
import type { Toll } from "./toll.ts";

/** How {@link splice} names and times its two streams. */
export interface SpliceOptions {
  /** What `a` is, in close reasons. Default `the first stream`. */
  readonly aName?: string;
  /** What `b` is, in close reasons. Default `the second stream`. */
  readonly bName?: string;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Ends the splice when a side no longer acknowledges what it is sent. Default: the process's. */
  readonly deadPeers?: DeadPeerWatch;
  /** Holds both directions back. Default: nothing does. */
  readonly toll?: Toll | undefined;
  /** Copies through Node's streams even between sockets. Default false. */
  readonly streamsOnly?: boolean;
}

/** Bytes taken from one stream and handed to the other. */
export interface SpliceCounts {
  readonly aToB: number;
  readonly bToA: number;
}

/** When bytes moved, in either direction, on the splice's clock. */
export interface SpliceTimes {
  readonly startedAt: number;
  /** Undefined until the first byte. */
  readonly firstByteAt: number | undefined;
  /** The last byte's time; before the first byte, the start's. */
  readonly lastActivityAt: number;
}

/** A running copy in both directions. The interface is all that callers see, so that a faster path can take its place. */
export interface Splice {
  /** The bytes so far, to be polled; exact and final once {@link closed} is resolved. */
  counts(): SpliceCounts;
  times(): SpliceTimes;
  /** Resolves when both streams are done with, to `closed` after both ended in order; never rejects. */
  readonly closed: Promise<CloseReason>;
  /** `fast`: between sockets, TCP or TLS, see {@link FastFlow}; `streams`: through Node's streams; `worker`: elsewhere. */
  readonly path: "fast" | "streams" | "worker";
  /** Destroys both streams at once, plain TCP sockets with a reset. May be called twice; the first reason counts. */
  destroy(reason: CloseReason): void;
}

const ENDED = closeReason("closed", "both sides ended the connection");

/** One of the two streams, and what is copied from it. */
interface Side {
  readonly stream: Duplex;
  readonly name: string;
  readonly flow: Flow;
}

class TwoFlows implements Splice {
  readonly closed: Promise<CloseReason>;
  readonly path: "fast" | "streams";
  readonly #resolveClosed: (reason: CloseReason) => void;
  readonly #sides: readonly Side[];
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #listeners: (() => void)[] = [];
  readonly #deadPeers: DeadPeerWatch;
  #firstByteAt: number | undefined;
  #lastActivityAt: number;
  #flushed = 0;
  #settled = false;

  constructor(a: Duplex, b: Duplex, options: SpliceOptions) {
    const { promise, resolve } = Promise.withResolvers<CloseReason>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = this.#lastActivityAt = this.#clock.now();
    this.#deadPeers = options.deadPeers ?? systemDeadPeerWatch;
    const events = { moved: () => this.#moved(), flushed: () => this.#onFlushed() };
    this.path = options.streamsOnly !== true && isFast(a) && isFast(b) ? "fast" : "streams";
    const FlowOfPath = this.path === "fast" ? FastFlow : StreamFlow;
    this.#sides = [
      { stream: a, name: options.aName ?? "the first stream", flow: new FlowOfPath(a, b, events, options.toll) },
      { stream: b, name: options.bName ?? "the second stream", flow: new FlowOfPath(b, a, events, options.toll) },
    ];
  }

  start(): void {
    for (const { stream, name } of this.#sides) this.#watch(stream, name);
    for (const { stream, name } of this.#sides) {
      // A stream that died before it came here emits nothing any more.
      if (stream.destroyed) {
        this.destroy(closeReason("closed", `${name} closed the connection`));
        return;
      }
    }
    for (const { flow } of this.#sides) flow.start();
    const [a, b] = this.#sides;
    if (a !== undefined && b !== undefined) this.#watchForDeath([a, b], [b, a]);
  }

  counts(): SpliceCounts {
    const [a, b] = this.#sides;
    return { aToB: a?.flow.bytes ?? 0, bToA: b?.flow.bytes ?? 0 };
  }

  times(): SpliceTimes {
    return { startedAt: this.#startedAt, firstByteAt: this.#firstByteAt, lastActivityAt: this.#lastActivityAt };
  }

  destroy(reason: CloseReason): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const { flow, stream } of this.#sides) {
      flow.stop();
      if (reason === ENDED) stream.destroy();
      else cutOff(stream);
    }
    for (const remove of this.#listeners) remove();
    this.#resolveClosed(reason);
  }

  #watch(stream: Duplex, name: string): void {
    const onError = (error: Error): void => this.destroy(closeReasonFrom(fromNodeError(error, name, "transfer")));
    const onClose = (): void => {
      // A stream that ended in both directions closes itself, maybe while the other still sends what it was given.
      if (stream.readableEnded && stream.writableFinished) return;
      this.destroy(closeReason("closed", `${name} closed the connection`));
    };
    stream.on("error", onError).on("close", onClose);
    this.#listeners.push(() => {
      stream.off("close", onClose);
      // An error may still be on its way to a stream that is destroyed, and without a listener it would end the process.
      if (stream.closed) stream.off("error", onError);
      else stream.once("close", () => stream.off("error", onError));
    });
  }

  /** @param pairs each side, and the one whose bytes it is sent */
  #watchForDeath(...pairs: readonly [Side, Side][]): void {
    for (const [{ stream, name, flow }, { flow: toIt }] of pairs) {
      if (!(stream instanceof Socket) || this.#settled) continue;
      const sent = (): number => toIt.bytes + (stream.writableEnded ? 1 : 0);
      const onDead = (): void => this.destroy(closeReason("closed", `${name} does not answer any more`));
      this.#listeners.push(this.#deadPeers.add({ socket: stream, received: () => flow.bytes, sent, onDead }));
    }
  }

  #moved(): void {
    const now = this.#clock.now();
    this.#firstByteAt ??= now;
    this.#lastActivityAt = now;
  }

  #onFlushed(): void {
    this.#flushed += 1;
    if (this.#flushed === this.#sides.length) this.destroy(ENDED);
  }
}

/**
 * A TCP socket that is only destroyed looks to its peer as if the stream had come to its end, and a part would pass for
 * the whole. The peer of a TLS stream knows by the missing close_notify.
 */
function cutOff(stream: Duplex): void {
  const isTcp = stream instanceof Socket && !(stream instanceof TLSSocket) && stream.remotePort !== undefined;
  if (isTcp) resetSocket(stream);
  else stream.destroy();
}

/**
 * Copies between two streams in both directions until both have ended: in order, every byte, with back-pressure, the
 * end of one side passed on as the end of the other (half-close). An error on one stream, or its destruction, destroys
 * the other, a plain TCP socket with a reset. Takes both streams over, with what they have buffered already.
 *
 * Both streams must be made with `allowHalfOpen`, or a half-close of one side ends the other direction too.
 */
export function splice(a: Duplex, b: Duplex, options: SpliceOptions = {}): Splice {
  const running = new TwoFlows(a, b, options);
  running.start();
  return running;
}

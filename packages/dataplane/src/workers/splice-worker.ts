import { Socket } from "node:net";
import { systemClock } from "../clock.ts";
import { closeReason, type CloseReason } from "../close-reason.ts";
import type { Splice } from "../splice.ts";
import { OwnSplicer } from "../splicer.ts";
import { type LinkFigures, MAX_REPORTED_LINKS, type WorkerNews, type WorkerOrder } from "./worker-messages.ts";

/** How often the figures of links that moved bytes are told, in milliseconds. */
const REPORT_MS = 250;

const LOST = closeReason("unavailable", "a leg was lost on its way to a worker process", "Connect again.");

const ENDED = closeReason("closed", "the main process ended the link");

/** A link of a worker's, with what was last told of it. */
interface RunningLink {
  readonly splice: Splice;
  toldBytes: number;
}

/**
 * The inside of a data-plane worker: takes pairs of legs, splices them, and tells how they fare. It decides nothing, and
 * keeps nothing that the main process could not do without.
 */
export class SpliceWorker {
  readonly #tell: (news: WorkerNews, done?: () => void) => void;
  readonly #running = new Map<number, RunningLink>();
  #splicer = new OwnSplicer({}, systemClock);
  /** The leg that came last, whose other leg is to come next. */
  #remote: { readonly link: number; readonly leg: Socket } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isTelling = false;

  /** @param tell sends to the main process; calls `done` when the message is out of this process */
  constructor(tell: (news: WorkerNews, done?: () => void) => void) {
    this.#tell = tell;
  }

  /** Does what the main process says. */
  take(order: WorkerOrder, socket: unknown): void {
    // Sockets get lost on the way to a process that has no descriptor left, and their messages with them.
    if (this.#remote !== undefined && order.kind !== "tenant-leg") this.#lose(this.#remote.link, this.#remote.leg);
    switch (order.kind) {
      case "start":
        this.#splicer = new OwnSplicer(order.rates, systemClock);
        return;
      case "remote-leg":
        this.#remote = { link: order.link, leg: prepare(socket, order.early) };
        return;
      case "tenant-leg":
        this.#splice(order, prepare(socket, order.early));
        return;
      case "destroy":
        this.#running.get(order.link)?.splice.destroy(ENDED);
        return;
      case "ping":
        this.#tell({ kind: "pong" });
        return;
    }
  }

  #splice({ link, tenant, session }: Extract<WorkerOrder, { kind: "tenant-leg" }>, socket: Socket): void {
    const remote = this.#remote;
    if (remote?.link !== link) {
      this.#lose(link, socket);
      return;
    }
    this.#remote = undefined;
    const splice = this.#splicer.splice(remote.leg, socket, { tenant, session });
    const running = { splice, toldBytes: 0 };
    this.#running.set(link, running);
    this.#tell({ kind: "running", link });
    this.#armReport();
    void splice.closed.then((reason) => this.#end(link, running, reason));
  }

  #lose(link: number, leg: Socket): void {
    leg.destroy();
    if (this.#remote?.link === link) this.#remote = undefined;
    const figures = { link, aToB: 0, bToA: 0, firstByteAgoMs: undefined, lastActivityAgoMs: 0 };
    this.#tell({ kind: "ended", reason: LOST, figures });
  }

  #end(link: number, { splice }: RunningLink, reason: CloseReason): void {
    this.#running.delete(link);
    this.#tell({ kind: "ended", reason, figures: figuresOf(link, splice) });
  }

  /** Reports while there are links, and no next time before the last is out: a main process that is busy gets fewer. */
  #armReport(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isTelling) this.#report();
      if (this.#running.size > 0) this.#armReport();
    }, REPORT_MS);
  }

  #report(): void {
    const moved: LinkFigures[] = [];
    for (const [link, running] of this.#running) {
      const figures = figuresOf(link, running.splice);
      const bytes = figures.aToB + figures.bToA;
      if (bytes === running.toldBytes) continue;
      running.toldBytes = bytes;
      moved.push(figures);
    }
    for (let at = 0; at < moved.length; at += MAX_REPORTED_LINKS) {
      this.#isTelling = true;
      const links = moved.slice(at, at + MAX_REPORTED_LINKS);
      this.#tell({ kind: "report", links }, () => (this.#isTelling = false));
    }
  }
}

/** Makes a received socket what the main process had: half-open, with the early bytes in front. */
function prepare(socket: unknown, early: Uint8Array): Socket {
  // A socket that the main process lost before it was sent comes as none; a dead one says the same to the splice.
  const leg = socket instanceof Socket ? socket : new Socket().destroy();
  leg.allowHalfOpen = true;
  leg.on("error", () => {});
  if (early.length > 0 && !leg.destroyed) leg.unshift(early);
  return leg;
}

function figuresOf(link: number, splice: Splice): LinkFigures {
  const { firstByteAt, lastActivityAt } = splice.times();
  const now = systemClock.now();
  return {
    link,
    ...splice.counts(),
    firstByteAgoMs: firstByteAt === undefined ? undefined : now - firstByteAt,
    lastActivityAgoMs: now - lastActivityAt,
  };
}

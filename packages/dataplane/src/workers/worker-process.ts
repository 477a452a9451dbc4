import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../clock.ts";
import { closeReason, type CloseReason } from "../close-reason.ts";
import type { RateLimits } from "../link-rates.ts";
import { canHandOver, forgetServer, takeEarlyBytes } from "./hand-over.ts";
import {
  type LinkFigures,
  MAX_EARLY_BYTES,
  readNews,
  WORKER_PROTOCOL,
  type WorkerNews,
  type WorkerOrder,
} from "./worker-messages.ts";
import type { WorkerProgram } from "./worker-program.ts";
import type { LinkLegs, WorkerSplice } from "./worker-splice.ts";

/** Times of a worker's life, in milliseconds. */
export interface WorkerTimes {
  /** How often a worker is asked whether it is there. Default 1,000. */
  readonly lookMs: number;
  /** How long it may take to close the sockets of a link that is to end. Default 800. */
  readonly destroyMs: number;
}

/** What a {@link WorkerProcess} is made of. */
export interface WorkerProcessOptions {
  readonly program: WorkerProgram;
  readonly rates: RateLimits;
  readonly clock: Clock;
  readonly times: WorkerTimes;
  readonly onReady: () => void;
}

/** How a worker ended. */
export interface WorkerEnd {
  /** For people, as the end of a sentence about the worker: `was killed by SIGKILL`. */
  readonly why: string;
  /** How many links ended with it. */
  readonly links: number;
  /** The last that it wrote to its standard error. */
  readonly said: string;
}

/** So many links wait to be handed over; who comes then is spliced in the main process. */
const MAX_WAITING = 64;
/** A worker that was asked so often and did not answer is hung. */
const SILENT_LOOKS = 5;
/** How long it may take to start, which a busy machine makes slow, in milliseconds. */
const START_MS = 15_000;
const MAX_SAID = 2_048;

/**
 * - `starting`: it runs and takes no links yet
 * - `up`: takes links
 * - `ended`: the process is gone; final
 */
type WorkerState = "starting" | "up" | "ended";

/** The main process's side of one data-plane worker. Starts with its making, because there is nothing without the process. */
export class WorkerProcess {
  /** Resolves when the process is gone, with all its links; never rejects. */
  readonly ended: Promise<WorkerEnd>;
  readonly #ended = Promise.withResolvers<WorkerEnd>();
  readonly #options: WorkerProcessOptions;
  readonly #child: ChildProcess;
  readonly #links = new Map<number, WorkerSplice>();
  readonly #queue = new Map<number, WorkerSplice>();
  readonly #deadlines = new Set<Timer>();
  #state: WorkerState = "starting";
  #nextId = 0;
  /** The link that is on its way; one at a time, as Node sends one socket at a time. */
  #leaving: { readonly id: number; readonly legs: readonly Socket[] } | undefined;
  readonly #startedAt: number;
  #silentLooks = 0;
  #look: Timer | undefined;
  #said = "";
  #killedFor: string | undefined;

  constructor(options: WorkerProcessOptions) {
    this.ended = this.#ended.promise;
    this.#options = options;
    this.#startedAt = options.clock.now();
    const { command, args } = options.program;
    this.#child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    this.#child.on("message", (message) => this.#onMessage(message));
    // A program that cannot be started has no exit. A channel that fails is followed by one.
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#end(`could not be started (${error.message})`);
    });
    this.#child.on("exit", (code, signal) => this.#end(signal === null ? `exited with ${code}` : `died of ${signal}`));
    this.#send({ kind: "start", rates: options.rates });
    this.#armLook();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it takes another link now. */
  get isOpen(): boolean {
    return this.isUp && this.#queue.size < MAX_WAITING;
  }

  get isUp(): boolean {
    return this.#state === "up" && this.#isReached;
  }

  /** Links that it has, and that wait for it. */
  get load(): number {
    return this.#links.size + this.#queue.size;
  }

  /** Hands a link over, in its turn. To be called while {@link isOpen}. */
  take(splice: WorkerSplice): void {
    const id = this.#nextId++;
    this.#queue.set(id, splice);
    void splice.closed.then(() => this.#queue.delete(id));
    this.#handOverNext();
  }

  /** Ends the process at once. @param why as in {@link WorkerEnd.why} */
  kill(why: string): void {
    if (this.#state === "ended" || this.#killedFor !== undefined) return;
    this.#killedFor = why;
    this.#child.kill("SIGKILL");
  }

  get #isReached(): boolean {
    return this.#child.connected && this.#killedFor === undefined;
  }

  #handOverNext(): void {
    for (const [id, splice] of this.#queue) {
      if (this.#leaving !== undefined || !this.#isReached) return;
      this.#queue.delete(id);
      if (splice.legs !== undefined) this.#handOver(id, splice, splice.legs);
    }
  }

  #handOver(id: number, splice: WorkerSplice, { remote, tenant, link }: LinkLegs): void {
    if ([remote, tenant].some((leg) => !canHandOver(leg) || leg.readableLength > MAX_EARLY_BYTES / 2)) {
      splice.stay();
      return;
    }
    this.#leaving = { id, legs: [remote, tenant] };
    this.#links.set(id, splice);
    splice.leave(() => this.#destroyLink(id, splice));
    this.#send({ kind: "remote-leg", link: id, early: takeEarlyBytes(remote) }, remote);
    const { tenant: name, session } = link;
    this.#send({ kind: "tenant-leg", link: id, early: takeEarlyBytes(tenant), tenant: name, session }, tenant);
  }

  #destroyLink(id: number, splice: WorkerSplice): void {
    this.#send({ kind: "destroy", link: id });
    const { clock, times } = this.#options;
    const deadline = clock.setTimer(times.destroyMs, () => {
      this.#deadlines.delete(deadline);
      // This process may itself have stood still meanwhile; then the answer is there and was not read yet.
      setImmediate(() => {
        if (this.#links.has(id)) this.kill("did not end a link in time");
      });
    });
    this.#deadlines.add(deadline);
    void splice.closed.then(() => {
      deadline.cancel();
      this.#deadlines.delete(deadline);
    });
  }

  #send(order: WorkerOrder, socket?: Socket): void {
    if (socket !== undefined) forgetServer(socket);
    // Kept open, because Node (26.10) would lose the descriptor where the process ends before it has taken the socket.
    // A failure to send is followed by the process's end, which says more.
    if (this.#child.connected) this.#child.send(order, socket, { keepOpen: true }, () => {});
  }

  #onMessage(message: unknown): void {
    if (this.#state === "ended" || this.#killedFor !== undefined) return;
    try {
      this.#take(readNews(message));
    } catch {
      this.kill("said what was not understood");
    }
  }

  #take(news: WorkerNews): void {
    switch (news.kind) {
      case "ready":
        if (news.protocol === WORKER_PROTOCOL) this.#becomeReady();
        else this.kill("is of another version");
        return;
      case "running":
        this.#arrived(news.link);
        return;
      case "report":
        for (const figures of news.links) this.#links.get(figures.link)?.note(figures);
        return;
      case "ended":
        this.#onEnded(news.figures, news.reason);
        return;
      case "pong":
        this.#silentLooks = 0;
        return;
    }
  }

  #onEnded(figures: LinkFigures, reason: CloseReason): void {
    const splice = this.#links.get(figures.link);
    this.#links.delete(figures.link);
    splice?.note(figures);
    splice?.end(reason);
    this.#arrived(figures.link);
  }

  #arrived(link: number): void {
    if (this.#leaving?.id !== link) return;
    this.#dropLegs();
    this.#handOverNext();
  }

  /** Closes this process's descriptors of the legs that were leaving; a worker that has them does not notice. */
  #dropLegs(): void {
    for (const leg of this.#leaving?.legs ?? []) leg.destroy();
    this.#leaving = undefined;
  }

  #becomeReady(): void {
    if (this.#state !== "starting") return;
    this.#state = "up";
    this.#options.onReady();
  }

  /** A process that stands still (SIGSTOP, a loop without end) keeps its sockets open and its channel too. */
  #armLook(): void {
    const { clock, times } = this.#options;
    this.#look = clock.setTimer(times.lookMs, () => {
      if (!this.#child.connected) this.kill("closed its channel");
      else if (this.#state === "starting" && clock.now() - this.#startedAt >= START_MS) this.kill("did not start");
      else if (this.#silentLooks >= SILENT_LOOKS) this.kill("did not answer any more");
      if (this.#state === "up") {
        this.#silentLooks += 1;
        this.#send({ kind: "ping" });
      }
      this.#armLook();
    });
  }

  #hear(text: string): void {
    this.#said = (this.#said + text).slice(-MAX_SAID);
  }

  #end(how: string): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#look?.cancel();
    for (const deadline of this.#deadlines) deadline.cancel();
    const links = [...this.#links.values()];
    this.#links.clear();
    const why = this.#killedFor ?? how;
    const reason = closeReason("unavailable", `the worker process that carried the link ${why}`, "Connect again.");
    this.#dropLegs();
    for (const splice of links) splice.end(reason);
    for (const splice of this.#queue.values()) splice.stay();
    this.#queue.clear();
    this.#ended.resolve({ why, links: links.length, said: this.#said });
  }
}

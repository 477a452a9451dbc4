import { createCipheriv, type Cipheriv } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { resetSocket } from "../../packages/dataplane/src/reset-socket.ts";

const PIECE = Buffer.alloc(16 * 1024);

/** Bytes that nothing can guess or compress, the same for the same seed. */
function bytesOf(seed: number): Cipheriv {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed >>> 0);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
}

/** Resolves once a socket takes more, or is closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
    if (socket.closed) done();
  });
}

/** How to send. */
export interface CheckedFlowOptions {
  readonly seed: number;
  /** How much is sent before the half-close; until {@link CheckedFlow.finish} unless told. */
  readonly bytes?: number;
  /** The pause after each piece of 16 KiB, in milliseconds. Default 0. */
  readonly pauseMs?: number;
}

/**
 * - `whole`: the stream ended in order, and every byte that was sent had come.
 * - `broken`: it did not end in order: its receiver knows that something may be missing.
 * - `short`: it ended in order before every byte had come. Only the death of the process at that end may do that, for
 *   which the kernel ends the connection.
 * - `altered`: a byte differs. This must never be.
 */
export type FlowOutcome = "whole" | "broken" | "short" | "altered";

/** One direction of a link: sends bytes at one end, half-closes, and checks each of them at the other end. */
export class CheckedFlow {
  /** Resolves when the receiver's stream is over. Never rejects. */
  readonly outcome: Promise<FlowOutcome>;
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #options: Required<CheckedFlowOptions>;
  readonly #expected: Cipheriv;
  #sent = 0;
  #received = 0;
  #isAltered = false;
  #isFinishing = false;

  /** Begins to send and to check. */
  constructor(source: Socket, sink: Socket, options: CheckedFlowOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#options = { bytes: Infinity, pauseMs: 0, ...options };
    this.#expected = bytesOf(options.seed);
    this.outcome = this.#receive();
    void this.#send();
  }

  /** Bytes that have come so far. */
  get received(): number {
    return this.#received;
  }

  /** Sends no more and half-closes. */
  finish(): void {
    this.#isFinishing = true;
  }

  async #send(): Promise<void> {
    const { seed, bytes, pauseMs } = this.#options;
    const stream = bytesOf(seed);
    const source = this.#source;
    while (this.#sent < bytes && !this.#isFinishing && source.writable) {
      const piece = stream.update(PIECE.subarray(0, Math.min(PIECE.length, bytes - this.#sent)));
      this.#sent += piece.length;
      if (!source.write(piece)) await drained(source);
      if (pauseMs > 0) await delay(pauseMs);
    }
    source.end();
  }

  #receive(): Promise<FlowOutcome> {
    const sink = this.#sink;
    const { promise, resolve } = Promise.withResolvers<FlowOutcome>();
    sink.on("data", (piece: Buffer) => {
      this.#isAltered ||= !this.#expected.update(Buffer.alloc(piece.length)).equals(piece);
      this.#received += piece.length;
    });
    // A sender that is cut off has written more than it knows to be sent, so this comes from the end of the stream only.
    const ended = (): FlowOutcome => (this.#received === this.#sent ? "whole" : "short");
    sink.once("end", () => resolve(this.#isAltered ? "altered" : ended()));
    sink.once("close", () => resolve(this.#isAltered ? "altered" : "broken"));
    sink.resume();
    return promise;
  }
}

/** Both directions of a link at once, from the client's socket to the target's and back. */
export class CheckedLink {
  readonly forth: CheckedFlow;
  readonly back: CheckedFlow;
  readonly #sockets: { readonly client: Socket; readonly service: Socket };

  constructor(client: Socket, service: Socket, options: CheckedFlowOptions) {
    this.#sockets = { client, service };
    this.forth = new CheckedFlow(client, service, options);
    this.back = new CheckedFlow(service, client, { ...options, seed: options.seed ^ 0xffff });
  }

  /** Half-closes both ends, in turn, and resolves to how both directions ended. */
  async finish(): Promise<readonly [FlowOutcome, FlowOutcome]> {
    this.forth.finish();
    await this.forth.outcome;
    this.back.finish();
    return this.outcome();
  }

  /** Resolves to how both directions ended, once they have by themselves, and closes both sockets. */
  async outcome(): Promise<readonly [FlowOutcome, FlowOutcome]> {
    const outcome = await Promise.all([this.forth.outcome, this.back.outcome]);
    this.destroy();
    return outcome;
  }

  /** Resets one of its two ends. */
  abort(end: "client" | "service"): void {
    resetSocket(this.#sockets[end]);
  }

  destroy(): void {
    this.#sockets.client.destroy();
    this.#sockets.service.destroy();
  }
}

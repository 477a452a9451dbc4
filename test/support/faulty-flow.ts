import type { Socket } from "node:net";

/** What is wrong with one direction of a connection. Everything absent is as it should be. */
export interface FlowFaults {
  /** Every byte comes this much later, in milliseconds. */
  readonly latencyMs?: number;
  /** And up to this much later than that, at random; bytes stay in order. */
  readonly jitterMs?: number;
  /** Bytes come in pieces of at most this size, each written on its own. */
  readonly pieceBytes?: number;
  /** No more than this passes in a second, on average. */
  readonly bytesPerSecond?: number;
  /** Nothing passes, neither bytes nor an end nor a reset, but nothing is lost: it goes on once this is lifted. */
  readonly held?: boolean;
  /** Bytes and the end are swallowed. A direction that has lost anything stays lost, since TCP has no gaps. */
  readonly lossy?: boolean;
  /** The connection is reset on both sides once so many bytes of this direction have passed. */
  readonly cutAfterBytes?: number;
}

/** The most that a flow keeps before it stops to read its source, in bytes. */
export const MAX_KEPT_BYTES = 256 * 1024;

interface Kept {
  bytes: Buffer;
  readonly dueAt: number;
}

/** How a source ended: in order, or by a reset. */
type End = "end" | "reset";

/**
 * One direction of a proxied connection: keeps what the source sends, at most {@link MAX_KEPT_BYTES}, and passes it on to
 * the sink as its faults let it. Faults may change at any time.
 */
export class FaultyFlow {
  readonly #source: Socket;
  readonly #sink: () => Socket | undefined;
  readonly #reset: () => void;
  readonly #kept: Kept[] = [];
  #keptBytes = 0;
  #faults: FlowFaults = {};
  #passed = 0;
  #swallowed = 0;
  #ended: End | undefined;
  #isLost = false;
  #isWriting = false;
  #lastDueAt = 0;
  /** When the bytes that have passed so far are paid for, with a limit per second. */
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /**
   * @param sink where it goes; undefined while that is not there yet: `pump` says that it is
   * @param reset resets both sides
   */
  constructor(source: Socket, sink: () => Socket | undefined, reset: () => void) {
    this.#source = source;
    this.#sink = sink;
    this.#reset = reset;
    source.on("data", (bytes: Buffer) => this.#keep(bytes));
    source.once("end", () => this.#end("end"));
    source.on("error", () => this.#end("reset"));
  }

  /** Bytes that were handed to the sink. */
  get passed(): number {
    return this.#passed;
  }

  /** Bytes that were lost. */
  get swallowed(): number {
    return this.#swallowed;
  }

  set(faults: FlowFaults): void {
    this.#faults = faults;
    if (faults.lossy === true) this.#swallow();
    this.pump();
  }

  /** Looks at what may pass now. */
  pump(): void {
    while (this.#passOne());
    if (this.#isOver || this.#keptBytes >= MAX_KEPT_BYTES) this.#source.pause();
    else if (this.#source.isPaused()) this.#source.resume();
  }

  /** Gives up what is kept, and the timer. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#kept.length = this.#keptBytes = 0;
  }

  #keep(bytes: Buffer): void {
    const { latencyMs = 0, jitterMs = 0, lossy = false } = this.#faults;
    if (lossy || this.#isLost) {
      this.#isLost = true;
      this.#swallowed += bytes.length;
      return;
    }
    this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + latencyMs + Math.random() * jitterMs);
    this.#kept.push({ bytes, dueAt: this.#lastDueAt });
    this.#keptBytes += bytes.length;
    this.pump();
  }

  #end(how: End): void {
    this.#ended ??= how;
    if (this.#faults.lossy === true) this.#swallow();
    this.pump();
  }

  #swallow(): void {
    if (this.#keptBytes > 0 || this.#ended !== undefined) this.#isLost = true;
    this.#swallowed += this.#keptBytes;
    this.#kept.length = this.#keptBytes = 0;
  }

  /** Passes one piece or the end on. False when there is nothing to pass now. */
  #passOne(): boolean {
    const sink = this.#sink();
    if (this.#isOver || this.#isWriting || this.#isLost || sink === undefined || this.#faults.held === true)
      return false;
    if (this.#ended === "reset") return this.#passReset();
    const head = this.#kept[0];
    if (head === undefined) {
      if (this.#ended === "end" && !sink.writableEnded) sink.end();
      return false;
    }
    const now = performance.now();
    const waitMs = Math.max(head.dueAt - now, this.#freeAt - now);
    if (waitMs > 0) return this.#later(waitMs);
    this.#write(sink, head);
    return true;
  }

  /** What came before a reset may still be delivered, or not, as with any network: here it is not. */
  #passReset(): boolean {
    this.#reset();
    return false;
  }

  #write(sink: Socket, head: Kept): void {
    const { pieceBytes = Infinity, bytesPerSecond = Infinity, cutAfterBytes = Infinity } = this.#faults;
    const left = Math.max(0, cutAfterBytes - this.#passed);
    const piece = head.bytes.subarray(0, Math.min(pieceBytes, Math.ceil(bytesPerSecond / 50), left));
    head.bytes = head.bytes.subarray(piece.length);
    if (head.bytes.length === 0) this.#kept.shift();
    this.#keptBytes -= piece.length;
    this.#passed += piece.length;
    this.#freeAt = performance.now() + (piece.length / bytesPerSecond) * 1_000;
    if (this.#passed >= cutAfterBytes) return this.#reset();
    this.#isWriting = true;
    // The next turn, so that the sink's peer may read each piece on its own.
    const next = (): void => {
      this.#isWriting = false;
      this.pump();
    };
    sink.write(piece, () => (pieceBytes === Infinity ? next() : setImmediate(next)));
  }

  #later(waitMs: number): false {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.pump(), waitMs);
    return false;
  }
}

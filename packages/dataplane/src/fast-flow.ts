import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Flow, FlowEvents } from "./flow.ts";
import { nodeErrorCode } from "./node-error.ts";
import { RECORD_BYTES, RecordBatch } from "./record-batch.ts";
import type { Toll } from "./toll.ts";
import { nativeHandle } from "./native-handle.ts";

/**
 * Into this every fast flow of the process reads: what is in it has left it when the read's callback returns. A larger
 * one saves little more, 64 KiB cost a third more CPU time.
 */
const buffer = Buffer.allocUnsafeSlow(256 * 1024);

/** What is used here of Node's native handles, which are not in its documentation. */
interface NativeHandle {
  /** The file descriptor; below 0 when there is none, and on Windows. */
  readonly fd: number;
  /** From now on libuv reads into this buffer, and the socket's own buffer callback is called. */
  useUserBuffer(buffer: Uint8Array): void;
}

/**
 * Where a socket keeps what its option `onread` brought. The option is documented, but only for sockets that this
 * process dials, and only from their making; ours were accepted, and read from before. So what Node's constructor would
 * do is done here (lib/net.js: `Socket` and `initSocketHandle`; lib/internal/stream_base_commons.js: `onStreamRead`).
 * Undefined where Node keeps it elsewhere: then there are no fast flows.
 */
const keys = ((): { readonly buffer: symbol; readonly callback: symbol } | undefined => {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const find = (name: string): symbol | undefined => symbols.find(({ description }) => description === name);
  const [own, callback] = [find("kBuffer"), find("kBufferCb")];
  return own === undefined || callback === undefined ? undefined : { buffer: own, callback };
})();

/** A write that must wait, not one that failed: what libuv takes for it as well. */
const NO_ROOM = new Set<string | undefined>(["EAGAIN", "ENOBUFS", "EINTR"]);

/**
 * Whether a stream can be an end of fast flows: a TCP socket of the operating system's with nothing between it and us, or a
 * TLS socket, both as Node makes them.
 */
export function isFast(stream: Duplex): boolean {
  if (!(stream instanceof Socket) || stream.connecting || keys === undefined) return false;
  const handle = handleOf(stream);
  if (handle === undefined || typeof handle.useUserBuffer !== "function") return false;
  return stream instanceof TLSSocket || handle.fd > 0;
}

function handleOf(stream: Duplex): NativeHandle | undefined {
  return nativeHandle(stream) as NativeHandle | undefined;
}

/**
 * A flow between two sockets that allocates nothing while the sink takes what it is given: it reads into one buffer, the
 * same for all, and writes from there. Only of a TLS source full records are put together first, see {@link RecordBatch}.
 *
 * To a TCP socket it writes with write(2) on the descriptor, which does not block and tells how much was taken. Only the
 * rest is copied and written through the sink, and the source is paused until that write is done. (A small rest never
 * raises `drain`.) A TLS socket that has nothing else to write has encrypted what it was given, or copied it, when `write`
 * returns (src/crypto/crypto_tls.cc: `TLSWrap::DoWrite`).
 */
export class FastFlow implements Flow {
  readonly #source: Duplex;
  readonly #sink: Duplex;
  readonly #events: FlowEvents;
  readonly #toll: Toll | undefined;
  #bytes = 0;
  #buffer = buffer;
  #bytesOfTurn = 0;
  /** What the source is paused for: a write, the end of a turn, the toll. */
  #holds = 0;
  #isStopped = false;
  #endWait: (() => void) | undefined;
  /** Undefined where the source hands over all that it has at once, or where the toll wants small portions. */
  readonly #batch: RecordBatch | undefined;
  #isFlushDue = false;

  /** Both streams must be what {@link isFast} asks for. */
  constructor(source: Duplex, sink: Duplex, events: FlowEvents, toll?: Toll) {
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
    this.#toll = toll;
    if (source instanceof TLSSocket && toll === undefined) this.#batch = new RecordBatch();
  }

  get bytes(): number {
    return this.#bytes;
  }

  start(): void {
    this.#source.once("end", this.#onEnd);
    this.#sink.once("finish", this.#events.flushed);
    this.#takeEarlyBytes();
    this.#readIntoBuffer();
    if (this.#holds === 0) this.#source.resume();
    else this.#source.pause();
    // Node emits "end" as soon as the end of an empty stream is read, be there a listener or not.
    if (this.#source.readableEnded) this.#onEnd();
  }

  stop(): void {
    // What was counted is handed over.
    if (!this.#sink.destroyed) this.#flush();
    this.#isStopped = true;
    this.#endWait?.();
    this.#source.off("end", this.#onEnd);
    this.#sink.off("finish", this.#events.flushed);
  }

  #takeEarlyBytes(): void {
    for (;;) {
      const chunk = this.#source.read() as Buffer | null;
      if (chunk === null) return;
      this.#count(chunk.length);
      this.#writeInTurn(chunk);
    }
  }

  #readIntoBuffer(): void {
    const handle = handleOf(this.#source);
    if (handle === undefined || keys === undefined) return;
    if (this.#toll !== undefined) this.#buffer = buffer.subarray(0, this.#toll.quantumBytes);
    Object.assign(this.#source, { [keys.buffer]: this.#buffer, [keys.callback]: this.#onRead });
    handle.useUserBuffer(this.#buffer);
  }

  /** Node stops reading when this returns false. Of a TLS source a few records that it has already may still follow. */
  readonly #onRead = (length: number): boolean => {
    if (this.#isStopped) return false;
    this.#count(length);
    if (this.#batch === undefined) this.#pass(buffer, length);
    else this.#collect(this.#batch, length);
    this.#endTurnAfter(length);
    return this.#holds === 0;
  };

  /** A record that is not full is the last of what was sent together. */
  #collect(batch: RecordBatch, length: number): void {
    const isLast = length < RECORD_BYTES;
    if (isLast && batch.isEmpty) return this.#pass(buffer, length);
    batch.add(buffer, length);
    if (isLast || batch.isFull) this.#flush();
    else this.#flushSoon();
  }

  /** In the same turn of the loop, when Node has handed over all records that came with one read. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#batch?.empty((bytes, length) => this.#pass(bytes, length));
  }

  /** INVARIANT: whatever keeps bytes for later gets a copy, since the next read, of whichever link, overwrites them. */
  #pass(bytes: Buffer, length: number): void {
    const isBusy = this.#sink.writableLength > 0 || this.#sink.writableCorked > 0;
    const written = isBusy ? 0 : this.#writeNow(bytes, length);
    if (written < length) this.#writeInTurn(Buffer.from(bytes.subarray(written, length)));
  }

  #count(length: number): void {
    this.#bytes += length;
    this.#events.moved();
    if (this.#toll === undefined || this.#toll.take(length) || this.#endWait !== undefined) return;
    this.#holds += 1;
    this.#endWait = this.#toll.wait(() => {
      this.#endWait = undefined;
      this.#release();
    });
  }

  /** Writes to a sink that has nothing else to write. Returns how many bytes are out of the buffer. */
  #writeNow(bytes: Buffer, length: number): number {
    return this.#sink instanceof TLSSocket ? this.#encryptNow(bytes, length) : this.#sendNow(bytes, length);
  }

  #sendNow(bytes: Buffer, length: number): number {
    // Asked for each time: the descriptor of a socket that is closed may be another's already.
    const fd = handleOf(this.#sink)?.fd ?? -1;
    if (fd <= 0) return length;
    try {
      return writeSync(fd, bytes, 0, length);
    } catch (error) {
      if (NO_ROOM.has(nodeErrorCode(error))) return 0;
      this.#sink.destroy(error as Error);
      return length;
    }
  }

  #encryptNow(bytes: Buffer, length: number): number {
    const view = bytes.subarray(0, length);
    // A small one is on its way before the next is there, and pausing costs more than it.
    if (length < RECORD_BYTES) this.#sink.write(view);
    else this.#writeInTurn(view);
    return length;
  }

  /** Writes, and reads no more until it is written. */
  #writeInTurn(chunk: Buffer): void {
    this.#holds += 1;
    // A write that fails raises an error on the sink as well, and that ends the splice.
    this.#sink.write(chunk, () => this.#release());
  }

  /**
   * After a buffer's worth the flow lets others have their turn: libuv would read on, up to 32 times before it looks at
   * other sockets (`uv__read`), and those would wait for 8 MiB.
   */
  #endTurnAfter(length: number): void {
    this.#bytesOfTurn += length;
    if (this.#bytesOfTurn < this.#buffer.length) return;
    this.#bytesOfTurn = 0;
    if (this.#holds > 0) return;
    this.#holds += 1;
    setImmediate(() => this.#release());
  }

  #release(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#isStopped) this.#source.resume();
  }

  readonly #onEnd = (): void => {
    this.#flush();
    this.#sink.end();
  };
}

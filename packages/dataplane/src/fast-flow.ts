import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Flow, FlowEvents } from "./flow.ts";
import { nodeErrorCode } from "./node-error.ts";
import type { Toll } from "./toll.ts";

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
  return (stream as unknown as { readonly _handle?: NativeHandle | null })._handle ?? undefined;
}

/** The most that a TLS record holds (RFC 8446, section 5.1). */
const RECORD_BYTES = 16_384;

/** The records of one TLS source that are to be written together; of one at a time, in a buffer for all. */
class Gathering {
  readonly buffer = Buffer.allocUnsafeSlow(buffer.length);
  #flow: FastFlow | undefined;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isFull(): boolean {
    return this.buffer.length - this.#length < RECORD_BYTES;
  }

  /** Flushes what is there of another flow. */
  makeWayFor(flow: FastFlow): void {
    if (this.#flow !== flow) this.flush();
  }

  /** Adds what a flow has just read. It is flushed before the loop waits for anything. */
  add(flow: FastFlow, length: number): void {
    if (this.#length === 0) setImmediate(() => this.flush());
    this.#flow = flow;
    this.#length += buffer.copy(this.buffer, this.#length, 0, length);
  }

  flush(): void {
    const [flow, length] = [this.#flow, this.#length];
    this.#flow = undefined;
    this.#length = 0;
    if (length > 0) flow?.deliverGathered(length);
  }
}

const gathering = new Gathering();

/**
 * A flow between two sockets that allocates and copies nothing while the sink takes what it is given: it reads into one
 * buffer, the same for all, and writes from there.
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
  /** What the source is paused for: a write, the end of a turn, the toll. */
  #holds = 0;
  #isStopped = false;
  #endWait: (() => void) | undefined;

  /** Both streams must be what {@link isFast} asks for. */
  constructor(source: Duplex, sink: Duplex, events: FlowEvents, toll?: Toll) {
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
    this.#toll = toll;
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

  /** Node stops reading when this returns false. */
  readonly #onRead = (length: number): boolean => {
    if (this.#isStopped) return false;
    this.#count(length);
    if (this.#source instanceof TLSSocket) this.#gather(length);
    else this.#deliver(buffer, length);
    // libuv would read on, up to 32 times before it looks at other sockets (`uv__read`), and they would wait for 8 MiB.
    if (length === this.#buffer.length && this.#holds === 0) this.#endTurn();
    return this.#holds === 0;
  };

  /** A full record is seldom the last: it waits for those that came with it, so that they are written together. */
  #gather(length: number): void {
    gathering.makeWayFor(this);
    const isFull = length === RECORD_BYTES;
    if (!isFull && gathering.isEmpty) {
      this.#deliver(buffer, length);
      return;
    }
    gathering.add(this, length);
    if (gathering.isFull && this.#holds === 0) this.#endTurn();
    if (gathering.isFull || !isFull) gathering.flush();
  }

  /** Takes over what was gathered for this flow. */
  deliverGathered(length: number): void {
    if (this.#isStopped) return;
    this.#deliver(gathering.buffer, length);
    // This may be long after the read.
    if (this.#holds > 0) this.#source.pause();
  }

  #deliver(from: Buffer, length: number): void {
    const written = this.#sink.writableLength > 0 ? 0 : this.#writeNow(from, length);
    if (written < length) this.#writeInTurn(Buffer.from(from.subarray(written, length)));
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
  #writeNow(from: Buffer, length: number): number {
    return this.#sink instanceof TLSSocket ? this.#encryptNow(from, length) : this.#sendNow(from, length);
  }

  #sendNow(from: Buffer, length: number): number {
    // Asked for each time: the descriptor of a socket that is closed may be another's already.
    const fd = handleOf(this.#sink)?.fd ?? -1;
    if (fd <= 0) return length;
    try {
      return writeSync(fd, from, 0, length);
    } catch (error) {
      if (NO_ROOM.has(nodeErrorCode(error))) return 0;
      this.#sink.destroy(error as Error);
      return length;
    }
  }

  #encryptNow(from: Buffer, length: number): number {
    const view = from.subarray(0, length);
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

  #endTurn(): void {
    this.#holds += 1;
    setImmediate(() => this.#release());
  }

  #release(): void {
    this.#holds -= 1;
    if (this.#holds === 0 && !this.#isStopped) this.#source.resume();
  }

  readonly #onEnd = (): void => {
    gathering.flush();
    this.#sink.end();
  };
}

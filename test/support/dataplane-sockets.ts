import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A server on loopback whose sockets a test takes one by one. */
export class LoopbackServer {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #waiting: ((socket: Socket) => void)[] = [];

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on("error", () => {});
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#sockets.push(socket);
      else waiting(socket);
    });
  }

  static async start(): Promise<LoopbackServer> {
    const server = new LoopbackServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get address(): { host: string; port: number } {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** The next accepted socket, in order. */
  next(): Promise<Socket> {
    const socket = this.#sockets.shift();
    return socket === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(socket);
  }

  /** Both ends of a new connection. */
  async pair(): Promise<{ near: Socket; far: Socket }> {
    const near = await dialLoopback(this.address.port);
    return { near, far: await this.next() };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A half-open-capable connection to a port on loopback. */
export async function dialLoopback(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** All that a stream delivers until its end; rejects when it fails before. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Exactly so many bytes of a stream; what follows stays in it. */
export async function readBytes(stream: Duplex, length: number): Promise<Buffer> {
  for (;;) {
    const chunk = stream.read(length) as Buffer | null;
    if (chunk !== null && chunk.length === length) return chunk;
    if (chunk !== null || stream.readableEnded || stream.destroyed) {
      throw new Error(`the stream ended before ${length} bytes: ${chunk?.length ?? 0}`);
    }
    await readableOrOver(stream);
  }
}

async function readableOrOver(stream: Duplex): Promise<void> {
  const settled = new AbortController();
  const events = ["readable", "end", "close"].map((event) => once(stream, event, { signal: settled.signal }));
  await Promise.race(events);
  settled.abort();
  // A stream with too few bytes says at once that it is readable, and sockets must have their turn too.
  await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves once a stream is closed, also when it was before, and also after an error. Answers the peer's end. */
export async function closedOf(stream: Duplex): Promise<void> {
  if (stream.closed) return;
  const closed = new Promise((resolve) => stream.once("close", resolve));
  if (stream.readableEnded) stream.end();
  else stream.once("end", () => stream.end()).resume();
  await closed;
}

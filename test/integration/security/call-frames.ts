import { once } from "node:events";
import type { TLSSocket } from "node:tls";

const CLIENT_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const [HEADERS, RST_STREAM, SETTINGS] = [1, 3, 4];
const END_HEADERS = 4;

/** A frame of HTTP/2. Source: RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** Header fields, each as a literal without indexing and without Huffman's code. Source: RFC 7541, section 6.2.2. */
function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const literals = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0]), text(name), text(value)]),
  );
  return Buffer.concat(literals);
}

/** A peer that says of HTTP/2 what it likes, over a TLS connection that is there. */
export class CallFrames {
  readonly #socket: TLSSocket;
  /** Streams that the server has reset, with its error code. */
  readonly reset = new Map<number, number>();
  #pending = Buffer.alloc(0);
  #nextStream = 1;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.write(Buffer.concat([CLIENT_PREFACE, frame(SETTINGS, 0, 0)]));
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  /** Begins a call and sends no message. Returns the stream's number. */
  begin(path: string): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const fields = {
      ":method": "POST",
      ":scheme": "https",
      ":path": path,
      ":authority": "cloud.drawbridge.internal",
      "content-type": "application/grpc",
      te: "trailers",
    };
    this.#socket.write(frame(HEADERS, END_HEADERS, stream, headerBlock(fields)));
    return stream;
  }

  /** Resolves when the server has reset a stream, or the connection is closed. */
  async refused(stream: number): Promise<void> {
    while (!this.reset.has(stream) && !this.#socket.closed) {
      await Promise.race([once(this.#socket, "data"), once(this.#socket, "close")]);
    }
  }

  #read(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 9) {
      const length = this.#pending.readUIntBE(0, 3);
      if (this.#pending.length < 9 + length) return;
      const payload = this.#pending.subarray(9, 9 + length);
      if (this.#pending[3] === RST_STREAM) {
        this.reset.set(this.#pending.readUInt32BE(5) & 0x7fff_ffff, payload.readUInt32BE(0));
      }
      this.#pending = this.#pending.subarray(9 + length);
    }
  }
}

import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** What a flood's connections do once they are there. */
export type FloodKind = "silent" | "half a handshake" | "anonymous TLS" | "silent legs inside of TLS";

/** The first bytes of a ClientHello, whose length they announce as 512 (RFC 8446, 5.1 and 4). */
const CLIENT_HELLO_HEAD = Buffer.from("1603010200010001fc0303", "hex");
const CONNECTIONS_PER_ADDRESS = 20;
const AT_ONCE = 250;

/** Connections from many addresses of 127/8 that mean nothing good. */
export class Flood {
  readonly #sockets: Socket[] = [];

  /** Opens so many. Those that the server closes stay closed. */
  static async open(port: number, count: number, kind: FloodKind): Promise<Flood> {
    const flood = new Flood();
    for (let begun = 0; begun < count; begun += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, count - begun) }, (_, index) => begun + index);
      await Promise.all(batch.map((index) => flood.#open(port, index, kind)));
    }
    return flood;
  }

  /** How many are still open. */
  get size(): number {
    return this.#sockets.filter((socket) => !socket.destroyed).length;
  }

  async close(): Promise<void> {
    const open = this.#sockets.filter((socket) => !socket.closed);
    const closed = open.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  async #open(port: number, index: number, kind: FloodKind): Promise<void> {
    const source = Math.floor(index / CONNECTIONS_PER_ADDRESS);
    const localAddress = `127.9.${1 + Math.floor(source / 250)}.${1 + (source % 250)}`;
    const isLeg = kind === "silent legs inside of TLS";
    const ALPNProtocols = [isLeg ? "drawbridge-leg/1" : "h2"];
    const options = { host: "127.0.0.1", port, localAddress, rejectUnauthorized: false, ALPNProtocols };
    const isTls = isLeg || kind === "anonymous TLS";
    const socket = isTls ? connectTls(options) : connect(options);
    this.#sockets.push(socket);
    await settled(socket, isTls ? "secureConnect" : "connect");
    if (kind === "half a handshake") socket.write(CLIENT_HELLO_HEAD);
    socket.resume();
  }
}

/** Resolves when it happens, and when the socket is closed instead. */
function settled(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => {
    socket.on("error", () => {}).once("close", () => resolve());
    socket.once(event, () => resolve());
  });
}

/** A process's resident memory, in bytes. Source: proc(5), `status`. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

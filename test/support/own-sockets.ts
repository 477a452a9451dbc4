import { once } from "node:events";
import type { Server, Socket } from "node:net";

/** The connections of something that stands in the way, on both of its sides: a test cuts them, and none outlives it. */
export class OwnSockets {
  readonly #sockets = new Set<Socket>();

  /** How many are open. */
  get open(): number {
    return this.#sockets.size;
  }

  own(...sockets: readonly Socket[]): void {
    for (const socket of sockets) {
      this.#sockets.add(socket);
      socket.on("error", () => {}).once("close", () => this.#sockets.delete(socket));
    }
  }

  /** Ends all in the midst of what they carry: in order, as TCP sees it, or by a reset. */
  cut(how: "end" | "reset"): void {
    for (const socket of this.#sockets) {
      if (how === "end") socket.end();
      else socket.resetAndDestroy();
    }
  }

  /** Resolves once the server that accepts them and all of them are closed. */
  async closeWith(server: Server): Promise<void> {
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

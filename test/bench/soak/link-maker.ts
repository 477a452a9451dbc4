import type { Socket } from "node:net";
import { CheckedLink } from "../../support/checked-flow.ts";
import { dialLoopback, type LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";

/** How long a link may take until the target sees its client, in milliseconds. */
const MAKE_MS = 40_000;
const ID_BYTES = 4;

/** Makes links of many sessions at once to one target: each begins with a number, by which its two ends are matched. */
export class LinkMaker {
  readonly #target: LoopbackServer;
  readonly #waiting = new Map<number, (service: Socket) => void>();
  readonly #unmatched = new Set<Socket>();
  #last = 0;

  constructor(target: LoopbackServer) {
    this.#target = target;
    void this.#accept();
  }

  /** A new link through a session's listener, or undefined when none came about. */
  async make(port: number, options: { bytes: number; pauseMs: number }): Promise<CheckedLink | undefined> {
    const client = await dialLoopback(port).catch(() => undefined);
    if (client === undefined) return undefined;
    const id = (this.#last += 1);
    const head = Buffer.alloc(ID_BYTES);
    head.writeUInt32BE(id);
    const service = await this.#serviceOf(id, client, head);
    this.#waiting.delete(id);
    if (service !== undefined) return new CheckedLink(client, service, { seed: id, ...options });
    client.destroy();
    return undefined;
  }

  /** Closes what came without its number. */
  close(): void {
    for (const socket of this.#unmatched) socket.destroy();
  }

  #serviceOf(id: number, client: Socket, head: Buffer): Promise<Socket | undefined> {
    const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
    const timer = setTimeout(() => resolve(undefined), MAKE_MS);
    const gone = (): void => resolve(undefined);
    client.once("close", gone);
    this.#waiting.set(id, resolve);
    client.write(head);
    return promise.finally(() => {
      clearTimeout(timer);
      client.off("close", gone);
    });
  }

  async #accept(): Promise<never> {
    for (;;) {
      const socket = await this.#target.next();
      this.#unmatched.add(socket);
      socket.once("close", () => this.#unmatched.delete(socket));
      readBytes(socket, ID_BYTES).then(
        (head) => {
          this.#unmatched.delete(socket);
          const take = this.#waiting.get(head.readUInt32BE());
          if (take === undefined) socket.destroy();
          else take(socket);
        },
        () => socket.destroy(),
      );
    }
  }
}

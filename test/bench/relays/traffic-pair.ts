import { until } from "../../../scripts/demo/until.ts";
import { Traffic } from "../harness/traffic.ts";
import type { TrafficMode } from "../harness/traffic-commands.ts";
import type { BackendPorts, PathUse, Relay } from "./relay.ts";

/** What the client does on a path, by what the backend does. */
const CLIENT_MODES: Readonly<Record<PathUse, TrafficMode>> = { send: "receive", receive: "send", echo: "ping" };

/** A client and a backend, each a process of its own, and the paths between them. */
export class TrafficPair implements AsyncDisposable {
  readonly client: Traffic;
  readonly backend: Traffic;
  readonly ports: BackendPorts;
  /** Paths that are connected. */
  #open = 0;

  static async start(): Promise<TrafficPair> {
    const [client, backend] = [new Traffic(), new Traffic()];
    const [send, receive, echo] = await Promise.all(
      (["send", "receive", "echo"] as const).map(async (mode) => (await backend.tell("listen", { mode })).port),
    );
    return new TrafficPair(client, backend, { send: send ?? 0, receive: receive ?? 0, echo: echo ?? 0 });
  }

  private constructor(client: Traffic, backend: Traffic, ports: BackendPorts) {
    this.client = client;
    this.backend = backend;
    this.ports = ports;
  }

  /** Opens paths through a relay; resolves when both ends of all are connected. */
  async connect(relay: Relay, use: PathUse, count: number): Promise<void> {
    const before = `the end of what came before ${relay.name}`;
    if (this.#open === 0) await this.#nothing(before);
    else await this.#connections(before, (now) => now === this.#open);
    const paths = await relay.open(use, count);
    for (const path of paths) {
      const dialled = [this.client.tell("dial", { mode: CLIENT_MODES[use], endpoint: path.client })];
      if (path.backend !== undefined) {
        dialled.push(this.backend.tell("dial", { mode: use, endpoint: path.backend }));
      }
      await Promise.all(dialled);
    }
    this.#open += count;
    await this.#connections(`${count} connections through ${relay.name}`, (now) => now >= this.#open);
  }

  /** Resets every connection of both, and closes the relay's paths. */
  async reset(relay: Relay): Promise<void> {
    await this.client.tell("reset", {});
    await this.backend.tell("reset", {});
    await relay.close();
    this.#open = 0;
    await this.#nothing(`the end of the connections through ${relay.name}`);
  }

  /**
   * Resolves when the backend has no connections. What looked whether a relay is up may still be there half closed, or may
   * only be passed on by the relay while this looks.
   */
  async #nothing(what: string): Promise<void> {
    await this.#connections(what, async (now) => {
      if (now > 0) await this.backend.tell("reset", {});
      return now === 0;
    });
  }

  /** Resolves when the backend has as many connections as is wished. */
  async #connections(what: string, isWished: (now: number) => boolean | Promise<boolean>): Promise<void> {
    const look = async (): Promise<true | undefined> =>
      (await isWished((await this.backend.tell("connections", {})).count)) || undefined;
    await until(look, { what, intervalMs: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.backend[Symbol.asyncDispose]();
  }
}

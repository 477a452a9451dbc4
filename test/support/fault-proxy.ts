import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { FaultConnection, type Faults } from "./fault-connection.ts";

/** What went through a proxy so far. */
export interface FaultProxyCounts {
  readonly accepted: number;
  readonly open: number;
  /** Bytes that were passed on. */
  readonly forth: number;
  readonly back: number;
}

/**
 * A TCP proxy on 127.0.0.1 to put between two roles, whose faults can be switched while it runs, for all connections or
 * for single ones. Without faults it passes every byte, end and reset on.
 */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #connections = new Set<FaultConnection>();
  readonly #past = { forth: 0, back: 0 };
  #port = 0;
  #accepted = 0;
  #faults: Faults = {};

  /** @param target whom it stands before */
  static async start(target: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.accept();
    return proxy;
  }

  private constructor({ host, port }: { readonly host: string; readonly port: number }) {
    this.#target = { host, port };
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#take(socket));
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The connections that are open, oldest first. */
  get connections(): readonly FaultConnection[] {
    return [...this.#connections];
  }

  counts(): FaultProxyCounts {
    const counts = { accepted: this.#accepted, open: this.#connections.size, ...this.#past };
    for (const { passed } of this.#connections) {
      counts.forth += passed.forth;
      counts.back += passed.back;
    }
    return counts;
  }

  /** Replaces what is wrong with all connections, those to come included. Without an argument all is well. */
  set(faults: Faults = {}): void {
    this.#faults = faults;
    for (const connection of this.#connections) connection.set(faults);
  }

  /** Resets the connections that are open. */
  reset(): void {
    for (const connection of this.#connections) connection.reset();
  }

  /** Stops to listen: whoever dials is refused. Connections live on. */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    // The port is free one turn later; the server's own event waits for the connections.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Listens again, on the same port. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen({ host: "127.0.0.1", port: this.#port });
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Resets everything and resolves when every socket is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) this.#server.close();
    this.reset();
    while (this.#connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  #take(socket: Socket): void {
    this.#accepted += 1;
    const connection = new FaultConnection(socket, this.#target, () => {
      this.#connections.delete(connection);
      this.#past.forth += connection.passed.forth;
      this.#past.back += connection.passed.back;
    });
    this.#connections.add(connection);
    connection.set(this.#faults);
  }
}

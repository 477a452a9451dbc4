import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { EnrolledIdentity } from "@drawbridge/control/identity";

const PROGRAM = fileURLToPath(new URL("tenant-process.ts", import.meta.url));
/** How many tenants one process plays: its garbage collector would hold up more of them too long. */
const PER_PROCESS = 2_500;

/** What a process of the fleet plays. */
export interface FleetOrder {
  readonly identities: readonly EnrolledIdentity[];
  /** The address of every tenant's target `rdp`. */
  readonly target: string;
}

/** Tenant redirectors by the thousand, in processes of their own. */
export class TenantFleet implements AsyncDisposable {
  readonly size: number;
  readonly #children: ChildProcess[] = [];
  #connected = 0;
  #onConnected: () => void = () => {};

  /** Starts them, and resolves when all are connected. */
  static async start(order: FleetOrder, signal: AbortSignal): Promise<TenantFleet> {
    const fleet = new TenantFleet(order.identities.length);
    try {
      const all = fleet.connections(fleet.size, signal);
      for (let first = 0; first < fleet.size; first += PER_PROCESS) {
        fleet.#fork({ ...order, identities: order.identities.slice(first, first + PER_PROCESS) });
      }
      await all;
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(size: number) {
    this.size = size;
  }

  /**
   * Resolves when so many control connections were welcomed from now on. Each tenant has one at a time: when all have
   * lost theirs, as many as there are tenants means that all are back.
   */
  async connections(count: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#connected = 0;
    this.#onConnected = () => this.#connected >= count && resolve();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exits = this.#children.filter(({ exitCode }) => exitCode === null).map((child) => once(child, "exit"));
    for (const child of this.#children) if (child.connected) child.disconnect();
    await Promise.all(exits);
  }

  #fork(order: FleetOrder): void {
    const child = fork(PROGRAM, { execArgv: ["--no-warnings"] });
    child.on("message", () => {
      this.#connected += 1;
      this.#onConnected();
    });
    child.send(order);
    this.#children.push(child);
  }
}

import { connect, type Socket } from "node:net";
import { resetSocket } from "../../packages/dataplane/src/reset-socket.ts";
import { FaultyFlow, type FlowFaults } from "./faulty-flow.ts";

/** What is wrong with a connection: `forth` is from who dials to who is dialled. */
export interface Faults {
  readonly forth?: FlowFaults;
  readonly back?: FlowFaults;
}

/** The same faults both ways. */
export const bothWays = (faults: FlowFaults): Faults => ({ forth: faults, back: faults });

/**
 * A black hole: connections are accepted, and nothing passes, no byte, end or reset. Lifted, everything goes on without
 * a loss, as after a short outage. A kernel still answers keep-alive probes, so only a protocol above TCP can notice.
 */
export const BLACK_HOLE: Faults = bothWays({ held: true });

/** One connection through a fault proxy. */
export class FaultConnection {
  readonly #near: Socket;
  readonly #onGone: () => void;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #forth: FaultyFlow;
  #head: number | undefined;
  #far: Socket | undefined;
  #back: FaultyFlow | undefined;
  /** Both sides may be closed before the first of their two events comes. */
  #isGone = false;

  /**
   * @param near the accepted socket
   * @param target where it is dialled on
   * @param onGone called once both sides are closed
   */
  constructor(near: Socket, target: { readonly host: string; readonly port: number }, onGone: () => void) {
    this.#near = near;
    this.#target = target;
    this.#onGone = onGone;
    const connected = (): Socket | undefined => (this.#far?.pending === false ? this.#far : undefined);
    this.#forth = new FaultyFlow(near, connected, this.#reset);
    near.once("data", (bytes: Buffer) => (this.#head = bytes[0]));
    near.once("close", this.#onClose);
  }

  /** The first byte that the dialling side sent: 0x16 for TLS, "D" for a preface. Undefined until it came. */
  get head(): number | undefined {
    return this.#head;
  }

  /** Bytes that were passed on. */
  get passed(): { readonly forth: number; readonly back: number } {
    return { forth: this.#forth.passed, back: this.#back?.passed ?? 0 };
  }

  /** Bytes that a fault has swallowed. */
  get swallowed(): number {
    return this.#forth.swallowed + (this.#back?.swallowed ?? 0);
  }

  /** Replaces what is wrong with it. One that is held both ways from the beginning is dialled on when that is lifted. */
  set(faults: Faults): void {
    if (faults.forth?.held !== true || faults.back?.held !== true) this.#back ??= this.#dial();
    this.#forth.set(faults.forth ?? {});
    this.#back?.set(faults.back ?? {});
  }

  /** Resets both sides (RST), also through a black hole. */
  reset(): void {
    this.#reset();
  }

  readonly #reset = (): void => {
    this.#forth.stop();
    this.#back?.stop();
    for (const socket of [this.#near, this.#far]) {
      if (socket?.pending === false) resetSocket(socket);
      else socket?.destroy();
    }
  };

  #dial(): FaultyFlow {
    const far = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    this.#far = far;
    far.once("connect", () => this.#forth.pump()).once("close", this.#onClose);
    return new FaultyFlow(far, () => this.#near, this.#reset);
  }

  /** A side that a fault keeps from hearing of the other's end stays open. */
  readonly #onClose = (): void => {
    if (this.#isGone || !this.#near.closed || this.#far?.closed === false) return;
    this.#isGone = true;
    this.#forth.stop();
    this.#back?.stop();
    this.#onGone();
  };
}

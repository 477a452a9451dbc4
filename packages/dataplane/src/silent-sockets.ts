import type { Socket } from "node:net";
import { closeReason, type CloseReason } from "./close-reason.ts";
import { CountByKey } from "./count-by-key.ts";

/** The caps of {@link SilentSockets}. */
export interface SilentSocketLimits {
  readonly inAll: number;
  readonly perAddress: number;
}

/** The sockets that have not said yet what they are, capped by address and in all, so that they cannot starve the rest. */
export class SilentSockets {
  readonly #limits: SilentSocketLimits;
  readonly #addresses = new Map<Socket, string>();
  readonly #count = new CountByKey();

  constructor(limits: SilentSocketLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#addresses.size;
  }

  /** Takes a socket in, or says why not. */
  add(socket: Socket, address: string): CloseReason | undefined {
    const { inAll, perAddress } = this.#limits;
    if (this.size >= inAll) return closeReason("limit-exceeded", `${inAll} connections have not sent a preface yet`);
    if (this.#count.of(address) >= perAddress) {
      return closeReason("limit-exceeded", `${perAddress} connections from ${address} have not sent a preface yet`);
    }
    this.#addresses.set(socket, address);
    this.#count.add(address);
    return undefined;
  }

  /** Lets a socket go: it spoke, or it is gone. May be called twice. */
  delete(socket: Socket): void {
    const address = this.#addresses.get(socket);
    if (address === undefined) return;
    this.#addresses.delete(socket);
    this.#count.remove(address);
  }

  /** Destroys them all. */
  destroy(): void {
    for (const socket of this.#addresses.keys()) socket.destroy();
  }
}

/** The address that sockets are counted by: the peer's IP, empty when the socket is gone already. */
export function peerAddress(socket: Socket): string {
  return socket.remoteAddress ?? "";
}

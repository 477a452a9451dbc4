import type { Socket } from "node:net";
import { limitReason, type CloseReason } from "./close-reason.ts";
import { CountByKey } from "./count-by-key.ts";

/** Why a socket is gone that made room for a newer one. */
export const MADE_ROOM = limitReason("silentSockets", "newer connections needed its place");

/** The caps of {@link SilentSockets}. */
export interface SilentSocketLimits {
  readonly inAll: number;
  readonly perAddress: number;
}

/**
 * The sockets that have not said yet what they are, capped so that they cannot starve the rest.
 *
 * An address that has its share gets no more. When all places are taken, the socket that has been silent longest makes
 * room: who means it speaks within a round trip, so a flood of silent sockets only ends itself.
 */
export class SilentSockets {
  readonly #limits: SilentSocketLimits;
  readonly #addresses = new Map<Socket, string | undefined>();
  readonly #count = new CountByKey();

  constructor(limits: SilentSocketLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#addresses.size;
  }

  /**
   * Takes a socket in, or says why not.
   *
   * @param address what the socket is counted by; undefined while it is not known, and then it counts in all only
   */
  add(socket: Socket, address: string | undefined): CloseReason | undefined {
    const { inAll, perAddress } = this.#limits;
    if (address !== undefined && this.#count.of(address) >= perAddress) {
      const message = `${perAddress} connections from ${address} have not sent a preface yet`;
      return limitReason("silentSocketsPerAddress", message);
    }
    if (this.size >= inAll) this.#evictOldest();
    this.#addresses.set(socket, address);
    if (address !== undefined) this.#count.add(address);
    return undefined;
  }

  /** A Map keeps its entries in the order in which they came. */
  #evictOldest(): void {
    const oldest = this.#addresses.keys().next().value;
    if (oldest === undefined) return;
    this.delete(oldest);
    oldest.destroy();
  }

  /** Lets a socket go: it spoke, or it is gone. May be called twice. Answers whether it was there: else it made room. */
  delete(socket: Socket): boolean {
    const address = this.#addresses.get(socket);
    const wasThere = this.#addresses.delete(socket);
    if (address !== undefined) this.#count.remove(address);
    return wasThere;
  }

  /** Destroys them all. */
  destroy(): void {
    for (const socket of this.#addresses.keys()) socket.destroy();
  }
}

import type { Socket } from "node:net";
import { parseAddress } from "./address.ts";
import type { DialOptions } from "./dial.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import { Reach } from "./reach.ts";

/** The places at which a provider is reached: its gateways, or its one cloud redirector. */
export class Gateways {
  /** How they are dialled. */
  readonly reach: Reach;
  readonly #addresses: readonly string[];
  #turn = 0;

  /** @param addresses as an invite code holds them. */
  constructor(addresses: readonly string[], reach = new Reach()) {
    this.#addresses = addresses;
    this.reach = reach;
  }

  /** Where to connect next, as `host:port`. */
  next(): string {
    const address = this.#addresses[this.#turn % this.#addresses.length] ?? "";
    this.#turn += 1;
    return address;
  }

  /**
   * Dials a leg.
   *
   * @param at where, as `host:port`
   */
  dialLeg(at: string, token: HandshakeToken, options: DialOptions = {}): Promise<Socket> {
    return this.reach.dialLeg(parseAddress(at), token, options);
  }
}

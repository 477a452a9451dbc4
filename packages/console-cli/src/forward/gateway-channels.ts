import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { openGatewayChannel, type RpcChannel } from "@drawbridge/control/rpc";
import type { Gateways } from "@drawbridge/dataplane";

/** The channel that new sessions go over. When its gateway is lost, the next one is opened at another. */
export class GatewayChannels {
  readonly #identity: () => EnrolledIdentity;
  readonly #gateways: Gateways;
  readonly #signal: AbortSignal;
  /** Closed by whoever opened it. */
  readonly #first: RpcChannel;
  #current: Promise<RpcChannel>;

  constructor(first: RpcChannel, identity: () => EnrolledIdentity, gateways: Gateways, signal: AbortSignal) {
    this.#first = first;
    this.#identity = identity;
    this.#gateways = gateways;
    this.#signal = signal;
    this.#current = Promise.resolve(first);
  }

  /** Errors: those of opening a channel. */
  async get(): Promise<RpcChannel> {
    try {
      return await this.#current;
    } catch (error) {
      this.#current = this.#open();
      throw error;
    }
  }

  /** The gateway of this channel is gone. Called for each session that it carried, it has an effect once. */
  async lost(channel: RpcChannel): Promise<void> {
    const current = await this.#current.catch(() => undefined);
    if (current !== channel) return;
    this.#gateways.failed(channel.address);
    if (channel !== this.#first) channel.close();
    this.#current = this.#open();
  }

  /** Closes what was opened here. */
  async close(): Promise<void> {
    const current = await this.#current.catch(() => undefined);
    if (current !== undefined && current !== this.#first) current.close();
  }

  #open(): Promise<RpcChannel> {
    const opening = openGatewayChannel(this.#identity(), this.#gateways, this.#signal);
    // Whoever waits for it hears of its failure; nobody may wait.
    opening.catch(() => {});
    return opening;
  }
}

import type { RpcChannel } from "@drawbridge/control/rpc";
import { encodePreface, HandshakeToken, parseAddress } from "@drawbridge/dataplane";
import { ScriptedOperator, ScriptedTenant } from "../../integration/control/scripted-peers.ts";
import { Provider } from "../harness/provider.ts";
import type { Endpoint } from "../harness/traffic-commands.ts";
import type { Path, Relay } from "./relay.ts";

/** Its name in the tables. */
export const CLOUD = "cloud redirector";

/** Links in one session, and all from one address. */
const LINKS = 8_192;

/**
 * The cloud redirector's data path: a real `drawbridge cloud run` with sessions and link tickets over gRPC. Client and
 * backend are the two legs; they send no end-to-end encryption, which the cloud redirector does not look at anyway.
 */
export class CloudRedirectorRelay implements Relay {
  readonly name: string;
  /** The operator's connection, for other calls. */
  readonly channel: RpcChannel;
  readonly #provider: Provider;
  readonly #tenant: ScriptedTenant;
  #operators: ScriptedOperator[] = [];

  /** @param workers how many data-plane workers it has. Default: none */
  static async start(name = CLOUD, workers = 0): Promise<CloudRedirectorRelay> {
    const limits = {
      linksPerSession: LINKS,
      waitingLegsPerTenant: LINKS,
      waitingLegsPerAddress: LINKS,
      waitingLegs: LINKS,
      silentSocketsPerAddress: LINKS,
      silentSockets: LINKS,
    };
    const provider = await Provider.start(limits, workers);
    try {
      const tenant = await ScriptedTenant.connect(provider.channel(await provider.enrol("tenant", "acme")));
      const channel = provider.channel(await provider.enrol("operator", "alice"));
      return new CloudRedirectorRelay(name, provider, tenant, channel);
    } catch (error) {
      await provider[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(name: string, provider: Provider, tenant: ScriptedTenant, channel: RpcChannel) {
    this.name = name;
    this.#provider = provider;
    this.#tenant = tenant;
    this.channel = channel;
  }

  get pid(): number {
    return this.#provider.pid;
  }

  async open(_use: unknown, count: number): Promise<readonly Path[]> {
    const operator = new ScriptedOperator(this.channel, "acme");
    this.#operators.push(operator);
    const { sessionId } = await this.#tenant.nextOf("sessionOffer");
    this.#tenant.accept(sessionId);
    await operator.nextOf("opened");
    const paths: Path[] = [];
    for (let link = 0; link < count; link += 1) {
      operator.requestLink();
      const ticket = await operator.nextOf("linkTicket");
      const offer = await this.#tenant.nextOf("linkOffer");
      paths.push({ client: this.#endpoint(ticket.token), backend: this.#endpoint(offer.token) });
    }
    return paths;
  }

  async close(): Promise<void> {
    for (const operator of this.#operators) {
      operator.goodbye();
      await operator.end();
    }
    this.#operators = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tenant.cut();
    await this.#provider[Symbol.asyncDispose]();
  }

  #endpoint(token: Uint8Array): Endpoint {
    const head = encodePreface(HandshakeToken.fromBytes(token)).toString("base64");
    return { ...parseAddress(this.#provider.address), head };
  }
}

import { DrawbridgeError, Gateways } from "@drawbridge/dataplane";
import type { Reach } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import { loadIdentity } from "../identity/index.ts";
import type { RpcChannel } from "../rpc/channel.ts";
import { openGatewayChannel } from "../rpc/gateway-channel.ts";
import { homeGateways } from "../rpc/home-gateways.ts";
import { RenewingIdentity } from "../rpc/renewing-identity.ts";
import type { NetworkWish } from "../wire/home-reach.ts";
import { openHomeReach } from "../wire/home-reach.ts";
import { type Log, noLog } from "../wire/log.ts";
import { systemWallClock } from "../wire/wall-clock.ts";
import { KnownTenants } from "./known-tenants.ts";

/** Decides whether a tenant's key is to be trusted: SHA-256 of its public key, hexadecimal. Throws to refuse. */
export type TrustTenantKey = (tenant: string, keyFingerprint: string) => Promise<void>;

/** Who the operator is, and how the provider is reached. */
export interface OperatorAccessOptions {
  /** The operator's home, as `drawbridge operator enroll` makes it. Either this or `identity`. */
  home?: string | undefined;
  /** An identity that is kept elsewhere: its certificate is not renewed, and `trustTenantKey` has to be given. */
  identity?: EnrolledIdentity | undefined;
  /** How this machine gets out. Default: as `network` says. */
  reach?: Reach | undefined;
  /** What is wished of the way out where `reach` is not given. Default: the home decides, then the environment. */
  network?: NetworkWish | undefined;
  /** Default: the home's `known_tenants.json` decides: a tenant's first key is believed, a changed one refused. */
  trustTenantKey?: TrustTenantKey | undefined;
  /** Default: nothing is logged. */
  log?: Log | undefined;
  /** Gives the opening up. It has no effect on an access that is open. */
  signal?: AbortSignal | undefined;
}

/** What access is made of: the identity, and where the provider is reached. */
interface Parts {
  readonly identity: () => EnrolledIdentity;
  readonly gateways: Gateways;
  readonly trustTenantKey: TrustTenantKey;
  /** Of a home only. */
  readonly renewing: RenewingIdentity | undefined;
  readonly saved: () => Promise<void>;
}

/**
 * An operator's connection to the provider, over the first gateway that answers. Any number of sessions share one.
 *
 * A certificate that is due is renewed first, and again whenever it is due; when that fails the old one is used, which has
 * a third of its life left.
 */
export class OperatorAccess implements AsyncDisposable {
  /** Where the provider is reached, for channels and legs. */
  readonly gateways: Gateways;
  readonly trustTenantKey: TrustTenantKey;
  readonly #parts: Parts;
  #channel: RpcChannel;

  private constructor(channel: RpcChannel, parts: Parts) {
    this.#channel = channel;
    this.gateways = parts.gateways;
    this.trustTenantKey = parts.trustTenantKey;
    this.#parts = parts;
  }

  /**
   * Connects to the provider.
   *
   * Errors: `home-missing`; `home-invalid`; `invalid-argument` for a proxy that cannot be read, or for neither home nor
   * identity; `unavailable` and `dial-failed` where no gateway answers; `cancelled`.
   */
  static async open(options: OperatorAccessOptions): Promise<OperatorAccess> {
    const { log = noLog, signal } = options;
    const parts = await (options.home === undefined ? ofIdentity(options) : ofHome(options.home, options));
    const { renewing, identity, gateways } = parts;
    const channel = await openGatewayChannel(identity(), gateways, signal);
    await renewing?.renewIfDue(channel).catch((err: unknown) => {
      log.debug({ event: "renewal-failed", err }, "the certificate could not be renewed");
    });
    renewing?.watch(channel);
    return new OperatorAccess(channel, parts);
  }

  /** The connection to the provider, of the gateway that answered first unless another one was {@link take taken}. */
  get channel(): RpcChannel {
    return this.#channel;
  }

  /** Takes a channel in the place of the one that is there, which it closes with all calls on it. */
  take(channel: RpcChannel): void {
    this.#channel.close();
    this.#channel = channel;
    this.#parts.renewing?.watch(channel);
  }

  /** The operator's identity, with its newest certificate. */
  get identity(): EnrolledIdentity {
    return this.#parts.identity();
  }

  /** Closes the connection, and with it all sessions. Resolves when the home is written. May be called twice. */
  async close(): Promise<void> {
    this.#parts.renewing?.stop();
    this.#channel.close();
    await this.#parts.saved();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function ofHome(home: string, options: OperatorAccessOptions): Promise<Parts> {
  const { network, log = noLog } = options;
  const renewing = new RenewingIdentity(home, await loadIdentity(home, "operator"), systemWallClock, log);
  const reach = options.reach ?? (await openHomeReach(home, network)).reach;
  const known = new KnownTenants(home, renewing.current.provider);
  const trustHome: TrustTenantKey = (tenant, keyFingerprint) => known.trust(tenant, keyFingerprint);
  return {
    identity: () => renewing.current,
    ...homeGateways(home, renewing.current, reach, log),
    trustTenantKey: options.trustTenantKey ?? trustHome,
    renewing,
  };
}

async function ofIdentity({ identity, reach, network, trustTenantKey }: OperatorAccessOptions): Promise<Parts> {
  if (identity === undefined || trustTenantKey === undefined) {
    throw new DrawbridgeError("invalid-argument", "neither an operator's home nor an identity was given", {
      remedy: "Give `home`, or `identity` together with `trustTenantKey`.",
    });
  }
  const { addresses, reserve = [] } = identity;
  const wayOut = reach ?? (await openHomeReach(undefined, network)).reach;
  const gateways = new Gateways(addresses, wayOut, { reserve });
  return { identity: () => identity, gateways, trustTenantKey, renewing: undefined, saved: () => Promise.resolve() };
}

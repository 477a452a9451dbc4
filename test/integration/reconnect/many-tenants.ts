import { openCloudHome } from "@drawbridge/control/cloud";
import {
  certificateToPem,
  createCertificateRequest,
  type EnrolledIdentity,
  exportPrivateKeyPem,
  generateKeyPairP256,
  hashInviteSecret,
  InviteSecret,
} from "@drawbridge/control/identity";
import { Backoff } from "@drawbridge/control/rpc";
import { parseTargets, tellAll, TenantRedirector } from "@drawbridge/control/tenant";
import { noLog, systemWallClock } from "@drawbridge/control/wire";
import { Gateways, type Reach } from "@drawbridge/dataplane";

/** Enrols so many tenants in a cloud redirector's home, while it is stopped: `t000`, `t001`, … */
export async function enrolTenants(cloudHome: string, address: string, count: number): Promise<EnrolledIdentity[]> {
  const { store, authority } = await openCloudHome(cloudHome);
  const ca = certificateToPem(authority.certificateDer);
  const { provider } = authority;
  const enrol = async (index: number): Promise<EnrolledIdentity> => {
    const name = `t${String(index).padStart(3, "0")}`;
    const keyPair = await generateKeyPairP256();
    const request = await createCertificateRequest(keyPair);
    const issued = await authority.issuePrincipalCertificate({ kind: "tenant", name, provider }, request);
    const secretHash = hashInviteSecret(InviteSecret.random());
    const [now, credential] = [Date.now(), { keyFingerprint: issued.keyFingerprint, certificateSerial: issued.serial }];
    const expiresAt = now + 60_000;
    await store.invites.create({ kind: "tenant", name, groups: [], secretHash, expiresAt, createdBy: "local" });
    await store.invites.redeem(secretHash, "tenant", now, credential);
    return {
      kind: "tenant",
      name,
      provider,
      addresses: [address],
      privateKey: exportPrivateKeyPem(keyPair),
      certificate: certificateToPem(issued.der),
      certificateAuthorities: [ca],
      keyFingerprint: issued.keyFingerprint,
    };
  };
  const identities: EnrolledIdentity[] = [];
  try {
    while (identities.length < count) {
      const some = Array.from(
        { length: Math.min(AT_ONCE, count - identities.length) },
        (_, at) => identities.length + at,
      );
      identities.push(...(await Promise.all(some.map(enrol))));
    }
  } finally {
    await store.close();
  }
  return identities;
}

/** How many enrol, and connect to begin with, at the same time: one address may have no more than 64 handshakes under way. */
const AT_ONCE = 25;

/** What many tenants have beside their identities. */
export interface ManyTenantsOptions {
  /** The address of each one's target `rdp`. Default: one where nobody answers. */
  readonly target?: string;
  /** Called each time that one of them was connected. */
  readonly connected?: () => void;
  /** Makes the way out of each one. Default: all dial as they like. */
  readonly reach?: () => Reach & { connected(): void };
}

/** Many tenant redirectors in this process. */
export class ManyTenants implements AsyncDisposable {
  /** When one of them was connected, in milliseconds of `performance.now()`, in order. */
  readonly connectedAt: number[] = [];
  readonly #redirectors: TenantRedirector[] = [];
  readonly #options: ManyTenantsOptions;

  private constructor(options: ManyTenantsOptions) {
    this.#options = options;
  }

  /** Starts them, and resolves when each of them is connected. */
  static async start(identities: readonly EnrolledIdentity[], options: ManyTenantsOptions = {}): Promise<ManyTenants> {
    const tenants = new ManyTenants(options);
    for (let first = 0; first < identities.length; first += AT_ONCE) {
      await Promise.all(identities.slice(first, first + AT_ONCE).map((identity) => tenants.#start(identity)));
    }
    return tenants;
  }

  #start(identity: EnrolledIdentity): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { target = "127.0.0.1:9", connected: onConnected } = this.#options;
    const reach = this.#options.reach?.();
    const connected = (): void => {
      reach?.connected();
      this.connectedAt.push(performance.now());
      onConnected?.();
      resolve();
    };
    const redirector = new TenantRedirector({
      home: { identity, targets: parseTargets([`rdp=${target}`]) },
      ...(reach && { gateways: new Gateways(identity.addresses, reach) }),
      policy: { judge: () => ({ verdict: "allow", because: "the test" }), obstacle: () => undefined },
      observer: { ...tellAll([]), connected },
      log: noLog,
      clock: systemWallClock,
      backoff: new Backoff(),
    });
    void redirector.run();
    this.#redirectors.push(redirector);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = { code: "closed", message: "the test is over" } as const;
    await Promise.all(this.#redirectors.map((redirector) => redirector.stop(reason)));
  }
}

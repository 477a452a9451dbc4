import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { decodeInviteCode } from "@drawbridge/control/identity";
import { openChannel, redeemInvite, type RpcChannel } from "@drawbridge/control/rpc";
import { Reach } from "@drawbridge/dataplane";
import { certificateFacts, certificateFromPem } from "@drawbridge/control/identity";
import { enrolTenants } from "../../integration/reconnect/many-tenants.ts";
import { Provider } from "../../integration/reconnect/provider.ts";

/** In life each tenant has an address of its own; here all have one, and the limits by address would be what is measured. */
const LIMITS = {
  handshakesPerAddress: 768,
  silentSocketsPerAddress: 4_096,
  waitingLegsPerAddress: 4_096,
  sessionsPerOperator: 1_024,
  connectionsPerPrincipal: 256,
};

/** A provider with many enrolled tenants, whose cloud redirector is a process that can be killed and started again. */
export class FleetProvider implements AsyncDisposable {
  readonly tenants: readonly EnrolledIdentity[];
  readonly #provider: Provider;

  /** Enrols the tenants; nothing runs yet. */
  static async create(tenants: number): Promise<FleetProvider> {
    const provider = await Provider.init();
    const file = join(provider.folder("cloud"), "settings.json");
    const settings = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...settings, limits: LIMITS }));
    return new FleetProvider(provider, await enrolTenants(provider.folder("cloud"), provider.address, tenants));
  }

  private constructor(provider: Provider, tenants: readonly EnrolledIdentity[]) {
    this.#provider = provider;
    this.tenants = tenants;
  }

  get address(): string {
    return this.#provider.address;
  }

  /** The cloud redirector's process. */
  get pid(): number {
    const { pid } = this.#provider.cloud.child;
    if (pid === undefined) throw new Error("the cloud redirector does not run");
    return pid;
  }

  async run(): Promise<void> {
    await this.#provider.run();
  }

  kill(): Promise<void> {
    return this.#provider.kill();
  }

  /** Enrols a new operator; the cloud redirector has to run. */
  async enrolOperator(name: string): Promise<EnrolledIdentity> {
    const { events } = await this.#provider.cloudCli(["cloud", "invite", "operator", name, "--json"]);
    const identity = await redeemInvite("operator", decodeInviteCode(String(events[0]?.["code"])), new Reach());
    return { ...identity, keyFingerprint: certificateFacts(certificateFromPem(identity.certificate)).keyFingerprint };
  }

  /** A gRPC connection of an operator; its owner closes it. */
  channel(identity: EnrolledIdentity, at: string = this.address): RpcChannel {
    return openChannel(identity, at, new Reach());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#provider[Symbol.asyncDispose]();
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { makePrivateDirectory } from "@drawbridge/control/identity";
import { RemoteRedirector } from "@drawbridge/control/remote";
import { Backoff, openGatewayChannel } from "@drawbridge/control/rpc";
import { parseTargets, tellAll, TenantRedirector, type TenantRedirectorOptions } from "@drawbridge/control/tenant";
import { noLog, systemWallClock } from "@drawbridge/control/wire";
import type { Gateways } from "@drawbridge/dataplane";
import { Gateways as GatewayList } from "@drawbridge/dataplane";
import { CloudBench } from "../control/cloud-bench.ts";
import { Forwarder } from "../../support/forwarder.ts";

const nothing = (): void => {};
const OVER = { code: "closed", message: "the test is over" } as const;

/** A tenant redirector, and where it has been connected, in order. */
export interface BenchTenant {
  readonly redirector: TenantRedirector;
  /** The gateways of its control connections so far, newest last. */
  readonly connectedAt: string[];
  /** Resolves once it has been connected so many times. */
  connected(times: number): Promise<void>;
}

/** A cloud redirector, two gateways before it, and true redirectors at both ends. */
export class ReconnectBench implements AsyncDisposable {
  readonly cloud: CloudBench;
  readonly first: Forwarder;
  readonly second: Forwarder;
  readonly folder: string;
  readonly #undo = new AsyncDisposableStack();

  private constructor(cloud: CloudBench, first: Forwarder, second: Forwarder, folder: string) {
    [this.cloud, this.first, this.second, this.folder] = [cloud, first, second, folder];
  }

  static async start(): Promise<ReconnectBench> {
    const cloud = await CloudBench.start();
    const [first, second] = [await Forwarder.start(() => cloud.port), await Forwarder.start(() => cloud.port)];
    return new ReconnectBench(cloud, first, second, await mkdtemp(join(tmpdir(), "drawbridge-reconnect-")));
  }

  /** The two gateways, the first one preferred. */
  get addresses(): string[] {
    return [this.first.address, this.second.address];
  }

  /** Starts a tenant redirector with a target, written `NAME=HOST:PORT`. */
  tenant(
    identity: EnrolledIdentity,
    target: string,
    gateways: Gateways = new GatewayList(this.addresses),
    options: Partial<TenantRedirectorOptions> = {},
  ): BenchTenant {
    const connectedAt: string[] = [];
    let changed = Promise.withResolvers<void>();
    const observer = {
      ...tellAll([]),
      connected: (_welcome: unknown, gateway: string): void => {
        connectedAt.push(gateway);
        changed.resolve();
        changed = Promise.withResolvers();
      },
    };
    const redirector = new TenantRedirector({
      home: { identity, targets: parseTargets([target]) },
      gateways,
      policy: { judge: () => ({ verdict: "allow", because: "the test" }), obstacle: () => undefined },
      observer,
      log: noLog,
      clock: systemWallClock,
      backoff: new Backoff(),
      ...options,
    });
    void redirector.run();
    this.#undo.defer(() => redirector.stop(OVER));
    const connected = async (times: number): Promise<void> => {
      while (connectedAt.length < times) await changed.promise;
    };
    return { redirector, connectedAt, connected };
  }

  /** Opens a session to acme; resolves to its port. */
  async session(identity: EnrolledIdentity, gateways: Gateways = new GatewayList(this.addresses)) {
    const home = join(this.folder, identity.name);
    await makePrivateDirectory(home);
    const channel = await openGatewayChannel(identity, gateways);
    const remote = new RemoteRedirector({
      identity: () => identity,
      channel,
      gateways,
      request: { tenant: "acme", target: "rdp", reason: "", ticket: "" },
      listen: { host: "127.0.0.1", port: 0 },
      observer: {
        pending: nothing,
        opened: nothing,
        linkOpened: nothing,
        linkClosed: nothing,
        clientRefused: nothing,
      },
      trustTenantKey: () => Promise.resolve(),
    });
    this.#undo.defer(async () => {
      await remote.stop(OVER);
      channel.close();
    });
    const { port } = await remote.start(new AbortController().signal);
    return { remote, port, gateway: channel.address };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
    await this.cloud[Symbol.asyncDispose]();
    await this.first[Symbol.asyncDispose]();
    await this.second[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

import { once } from "node:events";
import { Gateways, Reach } from "@drawbridge/dataplane";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  certificateFacts,
  certificateToPem,
  createCertificateRequest,
  type EnrolledIdentity,
  exportPrivateKeyPem,
  generateKeyPairP256,
  makePrivateDirectory,
} from "@drawbridge/control/identity";
import { KnownTenants, type OpenedSession, type RemoteLinkEnd, RemoteRedirector } from "@drawbridge/control/remote";
import { Backoff, openChannel, RenewingIdentity } from "@drawbridge/control/rpc";
import {
  type AccessPolicy,
  parseTargets,
  tellAll,
  type TenantLinkEnd,
  TenantRedirector,
} from "@drawbridge/control/tenant";
import { systemWallClock } from "@drawbridge/control/wire";
import { LoopbackServer } from "../../support/dataplane-sockets.ts";
import { CloudBench } from "../control/cloud-bench.ts";
import { Front } from "./front.ts";

const nothing = (): void => {};
const OVER = { code: "closed", message: "the test is over" } as const;

/** The policy of a tenant that lets everybody in. */
export const ALLOW_ALL: AccessPolicy = {
  judge: () => ({ verdict: "allow", because: "the test" }),
  obstacle: () => undefined,
};

/** A tenant redirector, and the ends of its links. */
export interface BenchTenant {
  readonly redirector: TenantRedirector;
  /** Its target `rdp`. */
  readonly target: LoopbackServer;
  /** Its target `vault`. */
  readonly vault: LoopbackServer;
  readonly ends: TenantLinkEnd[];
}

/** A session's remote redirector, where it listens, and the ends of its links. */
export interface BenchRemote {
  readonly redirector: RemoteRedirector;
  readonly port: number;
  readonly sessionId: string;
  /** Whether its links go without end-to-end encryption. */
  readonly plain: boolean;
  readonly ends: RemoteLinkEnd[];
}

/** What an operator asks for. */
export interface BenchRequest {
  /** Default `acme`. */
  readonly tenant?: string;
  /** Default `rdp`. */
  readonly target?: string;
  /** Default false. */
  readonly plain?: boolean;
}

/**
 * True redirectors at both ends, and between them a cloud redirector in hostile hands: whoever holds them has the CA's
 * key and the store, and catches all legs of operators and of tenants.
 */
export class HostileBench {
  readonly cloud: CloudBench;
  /** Where operators connect. */
  readonly remoteFront: Front;
  /** Where tenants connect. */
  readonly tenantFront: Front;
  /** All that the tenants' logs say, at the finest level, and all that the operators are told. */
  readonly told: unknown[] = [];
  readonly #folder: string;
  readonly #undo: (() => Promise<unknown>)[] = [];

  private constructor(cloud: CloudBench, remoteFront: Front, tenantFront: Front, folder: string) {
    this.cloud = cloud;
    this.remoteFront = remoteFront;
    this.tenantFront = tenantFront;
    this.#folder = folder;
  }

  static async start(): Promise<HostileBench> {
    const cloud = await CloudBench.start();
    const [remoteFront, tenantFront] = [await Front.start(cloud.port), await Front.start(cloud.port)];
    return new HostileBench(cloud, remoteFront, tenantFront, await mkdtemp(join(tmpdir(), "drawbridge-hostile-")));
  }

  async stop(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
    await this.cloud[Symbol.asyncDispose]();
    await Promise.all([this.remoteFront.close(), this.tenantFront.close()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs a tenant redirector until it is online. */
  async tenant(identity: EnrolledIdentity, policy: AccessPolicy = ALLOW_ALL): Promise<BenchTenant> {
    const [target, vault] = [await LoopbackServer.start(), await LoopbackServer.start()];
    const ends: TenantLinkEnd[] = [];
    const note = (fields: object, text: string): void => void this.told.push(fields, text);
    const log = { info: note, warn: note, error: note, debug: note };
    const online = Promise.withResolvers<void>();
    const observer = { ...tellAll([]), connected: () => online.resolve(), linkClosed: keepThird(ends) };
    const reached = { ...identity, addresses: [this.tenantFront.address] };
    const redirector = new TenantRedirector({
      identity: new RenewingIdentity(this.#folder, reached, systemWallClock, log),
      home: {
        identity: reached,
        targets: parseTargets([`rdp=127.0.0.1:${target.address.port}`, `vault=127.0.0.1:${vault.address.port}`]),
      },
      policy,
      observer,
      log,
      clock: systemWallClock,
      backoff: new Backoff(),
    });
    void redirector.run();
    this.#undo.push(async () => {
      await redirector.stop(OVER);
      target.close();
      vault.close();
    });
    await online.promise;
    return { redirector, target, vault, ends };
  }

  /** Opens a session. Known tenants are kept for each operator's name. */
  async remote(identity: EnrolledIdentity, request: BenchRequest = {}): Promise<BenchRemote> {
    const { tenant = "acme", target = "rdp", plain = false } = request;
    const channel = openChannel(identity, this.remoteFront.address, new Reach());
    const home = join(this.#folder, identity.name);
    await makePrivateDirectory(home);
    const known = new KnownTenants(home, identity.provider);
    const ends: RemoteLinkEnd[] = [];
    const linkClosed = (end: RemoteLinkEnd): void => void this.told.push(end, ends.push(end));
    let session = { sessionId: "", plain: false };
    const opened = (what: OpenedSession, isPlain: boolean): void => {
      session = { sessionId: what.sessionId, plain: isPlain };
      this.told.push(what);
    };
    const redirector = new RemoteRedirector({
      identity: () => identity,
      channel,
      gateways: new Gateways([this.remoteFront.address]),
      request: { tenant, target, reason: "", ticket: "" },
      plain,
      // Each leg is caught when its link is asked for.
      linksAhead: 0,
      listen: { host: "127.0.0.1", port: 0 },
      observer: { pending: nothing, opened, linkOpened: nothing, linkClosed, clientRefused: nothing },
      trustTenantKey: (name, fingerprint) => known.trust(name, fingerprint),
    });
    this.#undo.push(async () => {
      await redirector.stop(OVER);
      channel.close();
    });
    const { port } = await redirector.start(new AbortController().signal);
    return { redirector, port, ends, ...session };
  }

  /** A client's connection to a session's listener. */
  async client({ port }: BenchRemote): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.#undo.push(() => Promise.resolve(socket.destroy()));
    await once(socket, "connect");
    return socket.on("error", nothing);
  }

  /** A certificate for a name that is taken, with a key of the forger's own. */
  async forge(genuine: EnrolledIdentity): Promise<EnrolledIdentity> {
    const { kind, name, provider } = genuine;
    const keyPair = await generateKeyPairP256();
    const request = await createCertificateRequest(keyPair);
    const { der } = await this.cloud.home.authority.issuePrincipalCertificate({ kind, name, provider }, request);
    const { keyFingerprint } = certificateFacts(der);
    return { ...genuine, privateKey: exportPrivateKeyPem(keyPair), certificate: certificateToPem(der), keyFingerprint };
  }
}

function keepThird<Value>(list: Value[]): (first: unknown, second: unknown, third: Value) => void {
  return (_first, _second, third) => void list.push(third);
}

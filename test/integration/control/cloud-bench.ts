import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Reach } from "@drawbridge/dataplane";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AuditLog,
  CloudRedirector,
  createCloudHome,
  createInvite,
  openCloudHome,
  type CloudHome,
  type InviteRequest,
} from "@drawbridge/control/cloud";
import { certificateFacts, certificateFingerprint, certificateFromPem } from "@drawbridge/control/identity";
import { decodeInviteCode, type EnrolledIdentity, type InviteCode } from "@drawbridge/control/identity";
import { openChannel, redeemInvite, type RpcChannel } from "@drawbridge/control/rpc";
import { AdminClient } from "@drawbridge/control/remote";
import { systemWallClock, type WallClock } from "@drawbridge/control/wire";
import { type Metrics, NO_METRICS } from "../../../packages/control/src/cloud/metrics/metrics-port.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { ScriptedOperator, ScriptedTenant } from "./scripted-peers.ts";

/** A clock that a test advances, with today's date, since TLS judges certificates by the machine's. */
export class TodaysFakeClock extends FakeClock {
  readonly #startedAt = Date.now();

  override wallNow(): number {
    return this.#startedAt + this.now();
  }
}

/** A line of the cloud redirector's log. */
export interface LogLine {
  level: "info" | "warn" | "error" | "debug";
  fields: object;
  text: string;
}

/** A session, as a test sees it. */
export interface OpenedSession {
  readonly operator: ScriptedOperator;
  readonly sessionId: string;
}

/** A cloud redirector with a home of its own, on a port of loopback, and whoever calls it. */
export class CloudBench implements AsyncDisposable {
  readonly log: LogLine[] = [];
  readonly path: string;
  cloud!: CloudRedirector;
  home!: CloudHome;
  port = 0;
  readonly #channels: RpcChannel[] = [];
  readonly #clock: WallClock;
  readonly #metrics: Metrics;

  private constructor(path: string, clock: WallClock, metrics: Metrics) {
    this.path = path;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** @param settings what `settings.json` has beside the addresses. */
  static async start(
    clock: WallClock = systemWallClock,
    settings: object = {},
    metrics: Metrics = NO_METRICS,
  ): Promise<CloudBench> {
    const path = join(await mkdtemp(join(tmpdir(), "drawbridge-cloud-")), "home");
    const addresses = { publicAddress: "127.0.0.1:1", listen: "127.0.0.1:0" };
    await createCloudHome(path, "example", addresses);
    await writeFile(join(path, "settings.json"), JSON.stringify({ ...addresses, ...settings }));
    const bench = new CloudBench(path, clock, metrics);
    await bench.run();
    return bench;
  }

  /** A cloud redirector on the bench's home; not started. */
  async make(): Promise<CloudRedirector> {
    this.home = await openCloudHome(this.path);
    const line = (level: LogLine["level"]) => (fields: object, text: string) =>
      void this.log.push({ level, fields, text });
    const log = { info: line("info"), warn: line("warn"), error: line("error"), debug: line("debug") };
    this.cloud = new CloudRedirector({ home: this.home, log, clock: this.#clock, metrics: this.#metrics });
    return this.cloud;
  }

  /** Starts a cloud redirector on the home. */
  async run(port = 0): Promise<void> {
    const cloud = await this.make();
    this.port = (await cloud.start({ host: "127.0.0.1", port })).port;
  }

  stop(): Promise<void> {
    return this.cloud.stop({ code: "shutting-down", message: "the test stops it" });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async invite(request: InviteRequest): Promise<InviteCode> {
    const { store, authority } = this.home;
    const caFingerprint = certificateFingerprint(authority.certificateDer);
    const audit = new AuditLog(store, this.#clock, (error) => void this.log.push(failed(error)));
    const options = { store, audit, clock: this.#clock, addresses: [this.address], caFingerprint };
    return decodeInviteCode((await createInvite(options, request, "local")).code);
  }

  async enrolTenant(name: string, groups: string[] = []): Promise<EnrolledIdentity> {
    return withFingerprint(
      await redeemInvite("tenant", await this.invite({ kind: "tenant", name, groups }), new Reach()),
    );
  }

  async enrolOperator(
    name: string,
    role: "viewer" | "operator" | "admin" = "operator",
    groups: string[] = [],
  ): Promise<EnrolledIdentity> {
    const code = await this.invite({ kind: "operator", name, role, groups });
    return withFingerprint(await redeemInvite("operator", code, new Reach()));
  }

  channel(identity: EnrolledIdentity): RpcChannel {
    const channel = openChannel(identity, this.address, new Reach());
    this.#channels.push(channel);
    return channel;
  }

  admin(identity: EnrolledIdentity): AdminClient {
    return new AdminClient(this.channel(identity));
  }

  /** A tenant's control connection, welcomed. */
  tenant(identity: EnrolledIdentity, held: string[] = []): Promise<ScriptedTenant> {
    return ScriptedTenant.connect(this.channel(identity), held);
  }

  /** An operator's session stream; the tenant has not decided yet. */
  operator(identity: EnrolledIdentity, tenant = "acme"): ScriptedOperator {
    return new ScriptedOperator(this.channel(identity), tenant);
  }

  /** A session of this operator that the tenant has accepted. */
  async session(tenant: ScriptedTenant, by: EnrolledIdentity): Promise<OpenedSession> {
    const operator = this.operator(by);
    const { sessionId } = await tenant.next("sessionOffer");
    tenant.accept(sessionId);
    await operator.next("opened");
    return { operator, sessionId };
  }

  /** What the log says at these levels. */
  logged(...levels: LogLine["level"][]): string[] {
    return this.log.filter(({ level }) => levels.includes(level)).map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const channel of this.#channels) channel.close();
    await this.stop();
    await rm(join(this.path, ".."), { recursive: true, force: true });
  }
}

function failed(error: unknown): LogLine {
  return { level: "error", fields: { err: error }, text: "an audit record could not be written" };
}

function withFingerprint(identity: Omit<EnrolledIdentity, "keyFingerprint">): EnrolledIdentity {
  return { ...identity, keyFingerprint: certificateFacts(certificateFromPem(identity.certificate)).keyFingerprint };
}

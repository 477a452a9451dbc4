import type { Address, CloseReason, Refusal, Timer } from "@drawbridge/dataplane";
import { AddressRanges, DrawbridgeError, FrontDoor } from "@drawbridge/dataplane";
import { certificateFacts, certificateFromPem, certificateToPem } from "../identity/index.ts";
import type { KeepAlive } from "../rpc/keep-alive.ts";
import type { RpcServer } from "../rpc/rpc-server.ts";
import { NO_TRACER, type Tracer } from "../watching/span.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { systemWallClock } from "../wire/wall-clock.ts";
import { type AssembledCore, assembleCore } from "./assemble-core.ts";
import type { CloudHome } from "./cloud-home.ts";
import { assembleDataPlane, type CloudWorkers, type DataPlane } from "./data-plane.ts";
import { drain } from "./drain.ts";
import { type CloudFigures, countStates } from "./metrics/cloud-figures.ts";
import { type Metrics, NO_METRICS } from "./metrics/metrics-port.ts";
import { RefusalLog } from "./refusal-log.ts";
import type { Caller } from "./rights.ts";
import { createRpcServices } from "./rpc-services.ts";
import { TlsTerminator } from "./tls-terminator.ts";
import type { TlsIdentity } from "./tls-terminator.ts";

/** What a cloud redirector is made of. */
export interface CloudRedirectorOptions {
  home: CloudHome;
  log: Log;
  clock?: WallClock;
  /** Default: as the home's settings say. */
  keepAlive?: KeepAlive;
  /** Told what is counted. Default: nobody counts. */
  metrics?: Metrics;
  /** Where sessions are traced. Default: nowhere. */
  tracer?: Tracer;
  /** Who splices links. Default: this process alone; `workerCount` tells how many the settings ask for. */
  workers?: CloudWorkers;
}

/** How long streams may take to say goodbye when the cloud redirector stops, in milliseconds. */
const GOODBYE_MS = 1_000;
/** How often the server's certificate is looked at, in milliseconds: a day. */
const CERTIFICATE_LOOK_MS = 24 * 60 * 60 * 1000;

/**
 * - `new`: nothing listens; to `listening` by `start`
 * - `listening`: serves; to `stopped` by `stop`
 * - `stopped`: final
 */
type CloudState =
  | { readonly name: "new" }
  | { readonly name: "listening"; readonly gateway: FrontDoor; readonly tls: TlsTerminator; renewal: Timer }
  | { readonly name: "stopped" };

/** The cloud redirector: one public port for the control plane and the rendezvous. */
export class CloudRedirector {
  readonly #options: Required<CloudRedirectorOptions>;
  readonly #stop = new AbortController();
  readonly #assembled: AssembledCore;
  readonly #dataPlane: DataPlane;
  readonly #refusals: RefusalLog;
  readonly #rpc: RpcServer<{ caller: Caller }>;
  readonly #closed = Promise.withResolvers<CloseReason>();
  #certificateEndsAt = 0;
  #state: CloudState = { name: "new" };

  constructor(options: CloudRedirectorOptions) {
    const { keepAlive: kept } = options.home.settings;
    const defaults = { clock: systemWallClock, keepAlive: kept, metrics: NO_METRICS, tracer: NO_TRACER };
    this.#options = { ...defaults, workers: { count: 0 }, ...options };
    const { home, log, clock, keepAlive, metrics, tracer, workers } = this.#options;
    const { settings } = home;
    this.#refusals = new RefusalLog(log, clock, metrics);
    const onRefused = (refusal: Refusal): void => this.#refusals.note(refusal);
    this.#dataPlane = assembleDataPlane({ settings, workers, clock, log, onRefused });
    this.#assembled = assembleCore({
      home,
      log,
      clock,
      links: this.#dataPlane.rendezvous,
      stopping: this.#stop.signal,
      metrics,
      tracer,
      disconnect: (key) => this.#state.name === "listening" && this.#state.tls.disconnect(key),
    });
    const { core } = this.#assembled;
    const { callsPerConnection } = settings.limits;
    this.#rpc = createRpcServices({
      core,
      store: home.store,
      keepAlive,
      maxCallsPerConnection: callsPerConnection,
      log,
      metrics,
    });
  }

  /** Resolves when the cloud redirector has stopped. Never rejects. */
  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  /** Why it takes no new sessions now, for people; undefined: it does. */
  get obstacle(): string | undefined {
    if (this.#state.name === "new") return "not listening yet";
    if (this.#state.name === "stopped") return "stopped";
    return this.#assembled.core.broker.draining.aborted ? "draining: no new sessions" : undefined;
  }

  /** What is there now, for metrics. Takes time in proportion to what is there. */
  figures(): CloudFigures {
    const { registry, broker } = this.#assembled.core;
    const { authority } = this.#options.home;
    return {
      ...countStates(registry, broker),
      rendezvous: this.#dataPlane.rendezvous.stats(),
      workers: this.#dataPlane.workers.stats(),
      silentSockets: this.#state.name === "listening" ? this.#state.gateway.silentSockets : 0,
      certificates: { ca: certificateFacts(authority.certificateDer).notAfter, server: this.#certificateEndsAt },
    };
  }

  /** Starts to listen. Returns the address. Errors: `address-in-use` and the like; `home-invalid`; `closed` by `stop`. */
  async start(listen: Address): Promise<Address> {
    const { home, clock } = this.#options;
    const { limits, prefaceDeadline } = home.settings;
    const { core } = this.#assembled;
    await core.load();
    const tls = new TlsTerminator({
      identity: await this.#tlsIdentity(),
      limits,
      onConnection: (socket) => this.#rpc.inject(socket),
      onLeg: (socket, onPreface) => this.#dataPlane.rendezvous.accept(socket, undefined, onPreface),
      onRefused: (reason, address) => this.#refusals.note({ reason, address }),
      onHandshakeFailed: (why) => this.#options.metrics.handshakeFailed(why),
    });
    const gateway = new FrontDoor({
      clock,
      trustedGateways: new AddressRanges(home.settings.trustedGateways),
      maxSilentSockets: limits.silentSockets,
      maxSilentPerAddress: limits.silentSocketsPerAddress,
      firstByteTimeoutMs: prefaceDeadline,
      onGateway: ({ instance, drainingMs }) => {
        if (drainingMs !== undefined) core.gatewayDrains.begin(instance, drainingMs);
      },
      onTls: (socket) => tls.accept(socket),
      onLeg: (socket) => this.#dataPlane.rendezvous.accept(socket),
      onRefused: (refusal) => this.#refusals.note(refusal),
    });
    const address = await gateway.listen(listen);
    if (this.#state.name === "stopped") {
      await gateway.close();
      tls.destroy();
      throw new DrawbridgeError("closed", "the cloud redirector was stopped before it listened");
    }
    this.#dataPlane.workers.start();
    this.#state = { name: "listening", gateway, tls, renewal: this.#lookAtCertificate(tls) };
    return address;
  }

  /**
   * Takes no new sessions, tells every tenant, and waits until the open sessions are over, but no longer than
   * `deadlineMs` or until the signal fires. `stop` comes after.
   */
  drain(deadlineMs: number, signal?: AbortSignal): Promise<void> {
    const { broker, registry } = this.#assembled.core;
    return drain({ broker, registry, clock: this.#options.clock }, deadlineMs, signal);
  }

  /** Ends everything: says goodbye on every stream, closes every link and the store. May be called twice. */
  async stop(reason: CloseReason): Promise<void> {
    const state = this.#state;
    if (state.name === "stopped") {
      await this.closed;
      return;
    }
    this.#state = { name: "stopped" };
    if (state.name === "listening") {
      state.renewal.cancel();
      await state.gateway.close();
    }
    const { core, flushed } = this.#assembled;
    core.gatewayDrains.stop();
    core.broker.endAll(reason);
    for (const { presence } of core.registry.list({ state: "online" })) {
      if (presence.name === "online") presence.port.goodbye(reason);
    }
    this.#stop.abort(reason);
    const { rendezvous, workers } = this.#dataPlane;
    rendezvous.destroy(reason);
    await rendezvous.closed;
    await workers.close();
    await this.#rpc.drain(GOODBYE_MS);
    if (state.name === "listening") state.tls.destroy();
    await flushed();
    await this.#options.home.store.close();
    this.#closed.resolve(reason);
  }

  async #tlsIdentity(): Promise<TlsIdentity> {
    const { authority, otherAuthorities, serverCertificate } = this.#options.home;
    const ca = certificateToPem(authority.certificateDer);
    const { certificate, privateKey } = await serverCertificate();
    this.#certificateEndsAt = certificateFacts(certificateFromPem(certificate)).notAfter;
    return { certificateChain: certificate + ca, privateKey, certificateAuthorities: [ca, ...otherAuthorities] };
  }

  #lookAtCertificate(tls: TlsTerminator): Timer {
    const { clock, log } = this.#options;
    return clock.setTimer(CERTIFICATE_LOOK_MS, () => {
      if (this.#state.name === "listening") this.#state.renewal = this.#lookAtCertificate(tls);
      this.#tlsIdentity().then(
        (identity) => tls.renew(identity),
        (err: unknown) => log.error({ event: "renewal-failed", err }, "the server's certificate could not be renewed"),
      );
    });
  }
}

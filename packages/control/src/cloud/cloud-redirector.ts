import { randomBytes } from "node:crypto";
import type { Address, CloseReason } from "@drawbridge/dataplane";
import { EmbeddedGateway, Rendezvous } from "@drawbridge/dataplane";
import { certificateFingerprint, certificateToPem } from "../identity/index.ts";
import { DEFAULT_KEEP_ALIVE, type KeepAlive } from "../rpc/keep-alive.ts";
import { RpcServer } from "../rpc/rpc-server.ts";
import { authorizationMiddleware, errorMiddleware } from "../rpc/server-middleware.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { systemWallClock } from "../wire/wall-clock.ts";
import { Administration } from "./administration.ts";
import { AuditLog } from "./audit-log.ts";
import { createAuthorizer } from "./authorizer.ts";
import { CloudCore } from "./cloud-core.ts";
import type { CloudHome } from "./cloud-home.ts";
import { Enrollment } from "./enrollment.ts";
import type { Caller } from "./rights.ts";
import { adminService, adminServiceDefinition } from "./services/admin-service.ts";
import { controlService, controlServiceDefinition } from "./services/control-service.ts";
import { enrollmentService, enrollmentServiceDefinition } from "./services/enrollment-service.ts";
import { registryService, registryServiceDefinition } from "./services/registry-service.ts";
import { sessionService, sessionServiceDefinition } from "./services/session-service.ts";
import { SessionBroker } from "./session-broker.ts";
import { SessionRecorder } from "./session-recorder.ts";
import { TenantRegistry } from "./tenant-registry.ts";
import { TlsTerminator } from "./tls-terminator.ts";

/** What a cloud redirector is made of. */
export interface CloudRedirectorOptions {
  home: CloudHome;
  log: Log;
  clock?: WallClock;
  keepAlive?: KeepAlive;
}

/** How long streams may take to say goodbye when the cloud redirector stops, in milliseconds. */
const GOODBYE_MS = 1_000;

/** 60 random bits: ids are not secrets, they only must not collide, also across restarts. */
const newId = (prefix: string): string => `${prefix}-${randomBytes(8).readBigUInt64BE().toString(36).slice(0, 12)}`;

/** The cloud redirector: one public port for the control plane and the rendezvous. */
export class CloudRedirector {
  readonly #home: CloudHome;
  readonly #stop = new AbortController();
  readonly #audit: AuditLog;
  readonly #recorder: SessionRecorder;
  readonly #core: CloudCore;
  readonly #rendezvous: Rendezvous;
  readonly #tls: TlsTerminator;
  readonly #rpc: RpcServer<{ caller: Caller }>;
  readonly #gateway: EmbeddedGateway;
  readonly #closed = Promise.withResolvers<CloseReason>();
  #state: "new" | "listening" | "stopped" = "new";

  constructor({ home, log, clock = systemWallClock, keepAlive = DEFAULT_KEEP_ALIVE }: CloudRedirectorOptions) {
    const { store, authority } = home;
    this.#home = home;
    const onRefused = ({ reason, address }: { reason: CloseReason; address: string }): void =>
      log.debug({ event: "socket-refused", code: reason.code, address }, `closed a socket: ${reason.message}`);
    this.#rendezvous = new Rendezvous({ clock, onRefused });
    this.#audit = new AuditLog(store, clock, (err, event) => {
      log.error({ event: "audit-failed", err }, `the audit record ${event} could not be written`);
    });
    this.#recorder = new SessionRecorder(store, this.#audit, clock, log);
    const registry = new TenantRegistry();
    const broker = new SessionBroker({ registry, links: this.#rendezvous, clock, newId }, this.#recorder);
    const invites = {
      addresses: [home.settings.publicAddress],
      caFingerprint: certificateFingerprint(authority.certificateDer),
    };
    this.#core = new CloudCore({
      provider: authority.provider,
      clock,
      store,
      registry,
      broker,
      audit: this.#audit,
      log,
      limits: { helloTimeoutMs: 5_000 },
      stopping: this.#stop.signal,
      administration: new Administration({
        store,
        clock,
        ...invites,
        broker,
        registry,
        disconnect: (kind, name) => this.#disconnect(kind, name),
      }),
      enrollment: new Enrollment({
        authority,
        store,
        clock,
        onEnrolled: (principal) => principal.kind === "tenant" && this.#core.enrolled(principal),
      }),
    });
    this.#rpc = this.#createServer(keepAlive, log);
    this.#tls = new TlsTerminator({
      certificateChain: home.certificateChain,
      privateKey: home.serverKey,
      certificateAuthorities: [certificateToPem(authority.certificateDer)],
      onConnection: (socket) => this.#rpc.inject(socket),
    });
    this.#gateway = new EmbeddedGateway({
      clock,
      onTls: (socket) => this.#tls.accept(socket),
      onLeg: (socket) => this.#rendezvous.accept(socket),
      onRefused,
    });
  }

  /** Resolves when the cloud redirector has stopped. Never rejects. */
  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  /** Starts to listen. Returns the address. Errors: `address-in-use` and the like. */
  async start(listen: Address): Promise<Address> {
    await this.#core.load();
    const address = await this.#gateway.listen(listen);
    this.#state = "listening";
    return address;
  }

  /** Ends everything: says goodbye on every stream, closes every link and the store. May be called twice. */
  async stop(reason: CloseReason): Promise<void> {
    if (this.#state === "stopped") {
      await this.closed;
      return;
    }
    this.#state = "stopped";
    await this.#gateway.close();
    this.#core.broker.endAll(reason);
    for (const { presence } of this.#core.registry.list({ state: "online" })) {
      if (presence.name === "online") presence.port.goodbye(reason);
    }
    this.#stop.abort(reason);
    this.#rendezvous.destroy(reason);
    await this.#rpc.drain(GOODBYE_MS);
    this.#tls.destroy();
    await this.#recorder.flushed();
    await this.#audit.flushed();
    await this.#home.store.close();
    this.#closed.resolve(reason);
  }

  #createServer(keepAlive: KeepAlive, log: Log): RpcServer<{ caller: Caller }> {
    const { store, authority } = this.#home;
    const server = new RpcServer<{ caller: Caller }>({
      keepAlive,
      middleware: [
        errorMiddleware((error, { path, peer }) => {
          const fields = {
            event: "call-refused",
            code: error.code,
            path,
            peer,
            ...(error.code === "internal" && { err: error }),
          };
          if (error.code === "internal") log.error(fields, `${path} failed: ${error.message}`);
          else log.info(fields, `${path} was refused: ${error.message}`);
        }),
        authorizationMiddleware(createAuthorizer(store, authority.provider)),
      ],
    });
    server.add(controlServiceDefinition, controlService(this.#core));
    server.add(registryServiceDefinition, registryService(this.#core));
    server.add(sessionServiceDefinition, sessionService(this.#core));
    server.add(enrollmentServiceDefinition, enrollmentService(this.#core));
    server.add(adminServiceDefinition, adminService(this.#core));
    return server;
  }

  #disconnect(kind: "tenant" | "operator", name: string): void {
    void this.#home.store.principals.find(kind, name).then((record) => {
      if (record !== undefined) this.#tls.disconnect(record.keyFingerprint);
    });
  }
}

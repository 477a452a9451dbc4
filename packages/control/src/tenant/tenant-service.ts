import { join } from "node:path";
import type { CloseReason, Reach } from "@drawbridge/dataplane";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { Backoff } from "../rpc/backoff.ts";
import type { HomeGateways } from "../rpc/home-gateways.ts";
import { homeGateways } from "../rpc/home-gateways.ts";
import { RenewingIdentity } from "../rpc/renewing-identity.ts";
import { ExclusiveLock } from "../store/index.ts";
import type { Tracer } from "../watching/span.ts";
import { counted } from "../wire/counted.ts";
import type { Log } from "../wire/log.ts";
import type { WallClock } from "../wire/wall-clock.ts";
import { readLock } from "./access-lock.ts";
import { prepareLocalAddress } from "./local/local-address.ts";
import type { LocalAnswer, LocalRequest, SessionView } from "./local/local-protocol.ts";
import { LocalServer } from "./local/local-server.ts";
import { requestView, sessionView } from "./local/views.ts";
import type { ServedTarget } from "./open-target.ts";
import type { Policy } from "./policy/policy.ts";
import { readPolicy } from "./policy/policy-file.ts";
import { type Decide, type DecisionPort, ProgramDecision } from "./program-decision.ts";
import { type AnyTargets, areSameTargets, formatTargets, withTargets } from "./targets.ts";
import { TenantAccess } from "./tenant-access.ts";
import { TenantAuditLog } from "./tenant-audit-log.ts";
import { openTenantHome, readTargets } from "./tenant-home.ts";
import type { ConnectionState, RunningHome, TenantRedirectorOptions } from "./tenant-redirector.ts";
import { TenantRedirector } from "./tenant-redirector.ts";
import { tellAll } from "./tenant-session-observer.ts";

/** What a running tenant is made of. */
export interface TenantServiceOptions {
  /** The home's path. */
  home: string;
  /** How this machine gets out. */
  reach: Reach;
  observer: TenantRedirectorOptions["observer"];
  log: Log;
  clock: WallClock;
  backoff: Backoff;
  /** Where sessions are traced. Default: nowhere. */
  tracer?: Tracer;
  /** Targets that a program gives, besides the home's. Default: none. */
  targets?: Readonly<Record<string, string | ServedTarget["serve"]>> | undefined;
  /** Asked about each session that the policy does not deny. Default: the policy decides alone. */
  decide?: Decide | undefined;
  /** How long it may take to decide where the policy would not ask, in milliseconds. Default 60,000. */
  decideWithinMs?: number | undefined;
  /** `none`: the home's policy file is not read, and `decide` alone decides; the lock counts all the same. Default `file`. */
  policy?: "file" | "none" | undefined;
}

/** How long a program may take to decide unless told otherwise, in milliseconds. */
const DECIDE_MS = 60_000;

/** What has changed by a new policy, other targets or a lock. */
export interface Applied {
  sessionsEnded: number;
  requestsRefused: number;
}

/**
 * A tenant redirector with all that stands around it in its home: the policy, the lock, the audit log and the local
 * socket. Made by `open`; given up by `stop`.
 */
export class TenantService {
  readonly #options: TenantServiceOptions;
  readonly #home: RunningHome;
  #targets: AnyTargets;
  readonly #held: ExclusiveLock;
  readonly #audit: TenantAuditLog;
  readonly #access: TenantAccess;
  readonly #gateways: HomeGateways;
  readonly #redirector: TenantRedirector;
  readonly #local: LocalServer;
  #stopping: Promise<void> | undefined;

  private constructor(
    options: TenantServiceOptions,
    home: RunningHome,
    held: ExclusiveLock,
    audit: TenantAuditLog,
    access: TenantAccess,
  ) {
    this.#options = options;
    this.#home = home;
    this.#targets = home.targets;
    this.#held = held;
    this.#audit = audit;
    this.#access = access;
    this.#local = new LocalServer({
      answer: (request) => this.#answer(request),
      requests: () => this.#redirector.sessions.requests.list().map(requestView),
    });
    const { observer, log, clock, backoff, reach, decide, decideWithinMs = DECIDE_MS } = options;
    const program = decide && new ProgramDecision(access, decide, decideWithinMs, log, clock);
    const port = (): DecisionPort => this.#redirector.sessions.requests;
    this.#gateways = homeGateways(options.home, home.identity, reach, log);
    this.#redirector = new TenantRedirector({
      home,
      identity: new RenewingIdentity(options.home, home.identity, clock, log),
      gateways: this.#gateways.gateways,
      keepAlive: home.keepAlive,
      policy: program ?? access,
      observer: {
        ...tellAll([audit.observer(), observer, ...(program ? [program.observer(port)] : [])]),
        connected: (...what) => observer.connected(...what),
        disconnected: (...what) => observer.disconnected?.(...what),
      },
      log,
      clock,
      backoff,
      ...(options.tracer && { tracer: options.tracer }),
      onRequestsChange: () => this.#local.requestsChanged(),
    });
  }

  /**
   * Opens a home and its local socket; connects to nobody yet.
   *
   * Errors: `home-missing`; `home-invalid`, for a wrong policy too; `address-in-use` where it runs already.
   */
  static async open(options: TenantServiceOptions): Promise<TenantService> {
    const { home: path, log, clock } = options;
    refuseOpenDoor(options);
    const enrolled = await openTenantHome(path);
    const home = { ...enrolled, targets: withTargets(enrolled.targets, options.targets ?? {}) };
    const policy = await policyOf(options, home.targets);
    const held = await takeHome(path);
    let audit: TenantAuditLog | undefined;
    let service: TenantService | undefined;
    try {
      audit = await TenantAuditLog.open(path, home.identity.name, clock, log);
      const access = new TenantAccess(policy, undefined, () => audit?.obstacle());
      service = new TenantService(options, home, held, audit, access);
      await service.#local.start(await prepareLocalAddress(path));
      // After the socket, so that who locks meanwhile has either written its file before or reaches the socket.
      await service.#readLock();
      const { rules } = policy;
      await audit.record("started", { rules: rules.length, locked: access.lock !== undefined });
      return service;
    } catch (error) {
      if (service !== undefined) await service.#local.close();
      await audit?.close();
      held.release();
      throw error;
    }
  }

  /** Where the control connection stands. */
  get connection(): ConnectionState {
    return this.#redirector.state;
  }

  /** The sessions that are open, oldest first. */
  get sessions(): SessionView[] {
    return this.#redirector.sessions.list().map(sessionView);
  }

  /** Connects, and reconnects for as long as that may help. Resolves to why it stopped. Never rejects. */
  run(): Promise<CloseReason> {
    return this.#redirector.run();
  }

  /**
   * Reads the policy file and the home's targets again. Sessions that the policy does not allow any more end, and so do
   * those to a target that is gone or leads elsewhere now.
   *
   * Errors: `home-invalid`, with line and reason; what held before then goes on, of both.
   *
   * @param by who asked, for the audit log.
   */
  async reload(by: string): Promise<Applied> {
    const { log, home, targets: given = {} } = this.#options;
    let targets: AnyTargets;
    try {
      targets = withTargets(await readTargets(home), given);
      this.#access.policy = await policyOf(this.#options, targets);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      void this.#audit.record("policy-refused", { by, why });
      log.error({ event: "policy-refused" }, `the policy was not reloaded, and what held before goes on: ${why}`);
      throw error;
    }
    const { freeTargets = [] } = this.#access.policy;
    const rules = this.#access.policy.rules.length;
    void this.#audit.record("policy-reloaded", { by, rules, freeTargetRules: freeTargets.length });
    if (!areSameTargets(this.#targets, targets)) void this.#audit.record("targets-changed", { by, ...named(targets) });
    const applied = await this.#review(targets);
    const text = `the policy was reloaded and has ${counted(rules, "rule")}`;
    log.info({ event: "policy-reloaded", rules, ...named(targets), ...applied }, text);
    return applied;
  }

  /** Says goodbye, ends all sessions, and gives the home up. May be called twice. */
  stop(reason: CloseReason): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  async #stop(reason: CloseReason): Promise<void> {
    await this.#local.close();
    await this.#redirector.stop(reason);
    await this.#gateways.saved();
    void this.#audit.record("stopped", { why: reason.message });
    await this.#audit.close();
    this.#held.release();
  }

  async #answer(request: Exclude<LocalRequest, { call: "watch" }>): Promise<LocalAnswer> {
    const { requests } = this.#redirector.sessions;
    switch (request.call) {
      case "status":
        return { answer: "status", status: this.#status() };
      case "requests":
        return { answer: "requests", requests: requests.list().map(requestView) };
      case "approve":
        return { answer: "decided", request: requests.approve(request.id, request.by) };
      case "refuse":
        return { answer: "decided", request: requests.refuse(request.id, request.by, request.reason) };
      case "reload":
        return { answer: "applied", ...(await this.reload(request.by)) };
      case "lock-changed":
        return { answer: "applied", ...(await this.#lockChanged(request.by)) };
    }
  }

  #status() {
    const { sessions, state } = this.#redirector;
    return {
      tenant: this.#home.identity.name,
      pid: process.pid,
      connection: state,
      sessions: this.sessions,
      requests: sessions.requests.list().map(requestView),
    };
  }

  async #lockChanged(by: string): Promise<Applied> {
    await this.#readLock();
    const { lock } = this.#access;
    void this.#audit.record(lock === undefined ? "unlocked" : "locked", { by, reason: lock?.reason ?? "" });
    return this.#review();
  }

  async #readLock(): Promise<void> {
    const { home, log } = this.#options;
    const lock = await readLock(home);
    this.#access.lock = lock;
    if (lock === undefined) return;
    log.warn({ event: "locked", ...lock }, "access is locked: nobody is let in until `drawbridge tenant unlock`");
  }

  async #review(targets = this.#targets): Promise<Applied> {
    const { sessions } = this.#redirector;
    const before = { sessions: sessions.list().length, requests: sessions.requests.list().length };
    if (!areSameTargets(this.#targets, targets)) this.#redirector.targetsChanged((this.#targets = targets));
    this.#redirector.policyChanged();
    const applied = {
      sessionsEnded: before.sessions - sessions.list().length,
      requestsRefused: before.requests - sessions.requests.list().length,
    };
    await sessions.settled();
    return applied;
  }
}

/** For logs. */
function named(targets: AnyTargets): { targets: string } {
  const texts = formatTargets(targets).map(({ name, address }) => (address === "" ? name : `${name}=${address}`));
  return { targets: texts.join(" ") };
}

/** Lets everybody in: for a program that decides by itself. */
const NO_POLICY: Policy = {
  rules: [{ line: 0, match: { operators: [], roles: [], targets: [], hours: [] }, outcome: { decision: "allow" } }],
  operatorKeys: new Map(),
  requireReason: false,
};

function policyOf({ policy = "file", home }: TenantServiceOptions, targets: AnyTargets): Promise<Policy> {
  return policy === "file" ? readPolicy(home, targets) : Promise.resolve(NO_POLICY);
}

/** INVARIANT: somebody at the tenant decides. */
function refuseOpenDoor({ policy, decide }: TenantServiceOptions): void {
  if (policy !== "none" || decide !== undefined) return;
  throw new DrawbridgeError("invalid-argument", "neither a policy file nor a program would decide on sessions", {
    remedy: "Give `decide`, or leave `policy` out.",
  });
}

async function takeHome(path: string): Promise<ExclusiveLock> {
  const held = await ExclusiveLock.take(join(path, "running.lock"));
  if (held !== undefined) return held;
  throw new DrawbridgeError("address-in-use", `another \`drawbridge tenant run\` is running on ${path}`, {
    remedy: "Use that one (see `drawbridge tenant status`), stop it first, or name another --home.",
  });
}

import type { CloseReason, Reach } from "@drawbridge/dataplane";
import { closeReason } from "@drawbridge/dataplane";
import { Backoff } from "../rpc/backoff.ts";
import type { Tracer } from "../watching/span.ts";
import type { NetworkWish } from "../wire/home-reach.ts";
import { openHomeReach } from "../wire/home-reach.ts";
import { type Log, noLog } from "../wire/log.ts";
import { systemWallClock } from "../wire/wall-clock.ts";
import type { SessionView } from "./local/local-protocol.ts";
import type { ServedTarget } from "./open-target.ts";
import type { Decide } from "./program-decision.ts";
import type { ConnectionState, TenantRedirectorOptions } from "./tenant-redirector.ts";
import type { Applied } from "./tenant-service.ts";
import { TenantService } from "./tenant-service.ts";
import { tellAll } from "./tenant-session-observer.ts";

/** What a tenant redirector in a program of one's own is made of. */
export interface StartTenantOptions {
  /** The tenant's home, as `drawbridge tenant enroll` makes it. One program at a time runs on it. */
  home: string;
  /**
   * Targets besides the home's, by name: an address as `host:port`, or a function that serves each link itself. Of two with
   * one name this one counts. The policy file may name them. Default: none.
   */
  targets?: Readonly<Record<string, string | ServedTarget["serve"]>> | undefined;
  /**
   * Asked about each session that the policy file does not deny; it can refuse it, let it in, or leave it to a person.
   * Default: the policy file decides alone.
   */
  decide?: Decide | undefined;
  /** How long `decide` may take where the policy file would not ask, in milliseconds. Default 60,000. */
  decideWithinMs?: number | undefined;
  /**
   * `none`: the home's policy file is not read, and `decide`, which has to be given, decides alone. `drawbridge tenant
   * lock` keeps everybody out all the same. Default `file`.
   */
  policy?: "file" | "none" | undefined;
  /** Told of what connection, sessions and links do. Must not throw. Default: nobody. */
  observer?: Partial<TenantRedirectorOptions["observer"]> | undefined;
  /** How this machine gets out. Default: as `network` says. */
  reach?: Reach | undefined;
  /** What is wished of the way out where `reach` is not given. Default: the home decides, then the environment. */
  network?: NetworkWish | undefined;
  /** Default: nothing is logged. */
  log?: Log | undefined;
  /** Where sessions are traced. Default: nowhere. */
  tracer?: Tracer | undefined;
  /** Stops it. */
  signal?: AbortSignal | undefined;
}

/** A tenant redirector that runs. Made by {@link startTenant}. */
export interface RunningTenant extends AsyncDisposable {
  /** Resolves to why it stopped: `revoked` or `superseded` for example, where reconnecting is of no use. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /** Where the control connection stands. */
  readonly connection: ConnectionState;
  /** The sessions that are open, oldest first. */
  readonly sessions: readonly SessionView[];
  /**
   * Reads the policy file and the home's targets again. Sessions that the policy does not allow any more end, and so do
   * those to a target that is gone or leads elsewhere now. Errors: `home-invalid`.
   */
  reload(): Promise<Applied>;
  /** Says goodbye, ends all sessions, and gives the home up. May be called twice. */
  stop(): Promise<void>;
}

const STOPPED = closeReason("closed", "the tenant redirector was stopped");

/**
 * Runs a tenant redirector inside of this program: policy file, lock, audit log and `drawbridge tenant` commands work on
 * its home as with `drawbridge tenant run`. It connects, and reconnects for as long as that may help; `connection` and
 * the observer tell when it is there.
 *
 * Errors: `home-missing`; `home-invalid`, for a wrong policy too; `address-in-use` where the home is in use;
 * `invalid-argument` for targets that are none, for a proxy that cannot be read, or where nobody would decide.
 */
export async function startTenant(options: StartTenantOptions): Promise<RunningTenant> {
  const { signal, log = noLog } = options;
  const service = await TenantService.open({
    home: options.home,
    reach: options.reach ?? (await openHomeReach(options.home, options.network)).reach,
    observer: { connected: () => {}, ...tellAll([]), ...options.observer },
    log,
    clock: systemWallClock,
    backoff: new Backoff(),
    ...(options.tracer && { tracer: options.tracer }),
    targets: options.targets,
    decide: options.decide,
    decideWithinMs: options.decideWithinMs,
    policy: options.policy,
  });
  const stop = (): Promise<void> => service.stop(STOPPED);
  const onAbort = (): void => void stop();
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  const closed = service.run().then(async (reason) => {
    signal?.removeEventListener("abort", onAbort);
    await service.stop(reason);
    return reason;
  });
  return {
    closed,
    get connection() {
      return service.connection;
    },
    get sessions() {
      return service.sessions;
    },
    reload: () => service.reload("the program"),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log } from "@drawbridge/control/wire";
import type { Clock, Timer } from "@drawbridge/dataplane";
import { systemClock } from "@drawbridge/dataplane";
import { plainText } from "./rendering/index.ts";

const run = promisify(execFile);

/** How a service is, whenever the service manager is to hear of it. */
export interface ServiceReport {
  /** One line for people. */
  status: string;
  /** Default: true. While it is false the watchdog hears nothing, so that the service is restarted. */
  healthy?: boolean;
}

/** What a {@link ServiceNotifier} works with. */
export interface ServiceNotifierOptions {
  /** Delivers `NAME=value` lines as one message. Absent: there is no service manager, and nothing is ever sent. */
  send?: ((lines: readonly string[]) => Promise<void>) | undefined;
  /** Within how many milliseconds the service manager wants a sign of life. Absent: it wants none. */
  watchdogMs?: number | undefined;
  log: Pick<Log, "warn">;
  clock?: Clock;
}

/** How often the status is looked at where no watchdog asks for more, in milliseconds. */
const LOOK_MS = 30_000;
/** More messages than these wait only when the service manager takes none; then new ones are dropped. */
const MOST_WAITING = 16;
const MAX_STATUS_LENGTH = 300;
/** Longer than systemd-notify itself waits for the service manager, in milliseconds. */
const NOTIFY_MS = 10_000;

/**
 * Tells systemd, or what speaks its protocol, how a long-running command is: ready, reloading, stopping, alive.
 *
 * Messages leave one after the other. What cannot be told is logged once and changes nothing: the work goes on.
 * Source: sd_notify(3), sd_watchdog_enabled(3), of systemd 252.
 */
export class ServiceNotifier {
  readonly #options: ServiceNotifierOptions;
  readonly #clock: Clock;
  #report: (() => ServiceReport) | undefined;
  #told = "";
  #timer: Timer | undefined;
  #stopping = false;
  #waiting = 0;
  #sent: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(options: ServiceNotifierOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * The notifier of this process: real where the environment names a `NOTIFY_SOCKET`, and silent elsewhere.
   * `WATCHDOG_USEC` counts only where `WATCHDOG_PID` names this process or is absent.
   */
  static fromEnvironment(env: Readonly<Record<string, string | undefined>>, log: Pick<Log, "warn">): ServiceNotifier {
    const socket = env["NOTIFY_SOCKET"];
    if (!socket) return new ServiceNotifier({ log });
    const usec = Number(env["WATCHDOG_USEC"] ?? 0);
    const isOurs = (env["WATCHDOG_PID"] ?? String(process.pid)) === String(process.pid);
    const watchdogMs = isOurs && usec > 0 ? usec / 1_000 : undefined;
    const child = { NOTIFY_SOCKET: socket, PATH: env["PATH"] ?? "" };
    return new ServiceNotifier({ log, watchdogMs, send: (lines) => runSystemdNotify(lines, child) });
  }

  /** The service works from now on, or again after {@link reloading}. Must not throw. @param report asked again and again until {@link close} */
  ready(report: () => ServiceReport): void {
    this.#report = report;
    this.#send("READY=1", ...this.#status());
    this.#timer?.cancel();
    this.#lookLater();
  }

  /** Tells the status again if it has changed. */
  refresh(): void {
    const status = this.#status();
    if (status.length > 0) this.#send(...status);
  }

  /** The service takes its configuration anew; {@link reloaded} says that it is done. */
  reloading(): void {
    if (this.#report === undefined || this.#stopping) return;
    // Of CLOCK_MONOTONIC, as Node's own is on Linux.
    this.#send("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  }

  /** The end of {@link reloading}. */
  reloaded(): void {
    if (this.#report !== undefined && !this.#stopping) this.#send("READY=1", ...this.#status());
  }

  /**
   * The service is about to end. Said once; nothing where it never was ready.
   *
   * @param withinMs how long that may take, in milliseconds, where it may be longer than the service's own stop timeout
   */
  stopping(withinMs = 0): void {
    if (this.#report === undefined) return;
    const lines = this.#stopping ? [] : ["STOPPING=1", ...this.#status()];
    if (withinMs > 0) lines.push(`EXTEND_TIMEOUT_USEC=${Math.ceil(withinMs) * 1_000}`);
    this.#stopping = true;
    if (lines.length > 0) this.#send(...lines);
  }

  /** Waits until all was told, or cannot be, but no longer than 10 s. Nothing is told afterwards. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#report = undefined;
    if (this.#waiting === 0) return;
    const late = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(NOTIFY_MS, late.resolve);
    await Promise.race([this.#sent, late.promise]);
    timer.cancel();
  }

  #lookLater(): void {
    const { watchdogMs, send } = this.#options;
    if (send === undefined) return;
    this.#timer = this.#clock.setTimer(Math.max(1, (watchdogMs ?? 2 * LOOK_MS) / 2), () => {
      this.#lookLater();
      this.#look();
    });
  }

  #look(): void {
    const isWatched = this.#options.watchdogMs !== undefined && this.#report?.().healthy !== false;
    const lines = [...(isWatched ? ["WATCHDOG=1"] : []), ...this.#status()];
    if (lines.length > 0) this.#send(...lines);
  }

  /** The status as a line, where it is another than was told last. */
  #status(): string[] {
    const status = plainText(this.#report?.().status ?? "").slice(0, MAX_STATUS_LENGTH);
    if (status === "" || status === this.#told) return [];
    this.#told = status;
    return [`STATUS=${status}`];
  }

  #send(...lines: string[]): void {
    const { send, log } = this.#options;
    if (send === undefined || this.#waiting >= MOST_WAITING) return;
    this.#waiting++;
    this.#sent = this.#sent
      .then(() => send(lines))
      .catch((err: unknown) => {
        if (!this.#failed)
          log.warn({ event: "service-manager-untold" }, `the service manager cannot be told: ${why(err)}`);
        this.#failed = true;
      })
      .finally(() => this.#waiting--);
  }
}

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();

/**
 * Node has no datagram sockets of the Unix family (nodejs/node issues 29339 and 61933), and an addon with C code is too
 * much for two messages a minute. systemd's own program knows both forms of the socket's name, and it waits until its
 * message was taken: the service manager finds the sender's service through a process that must still be there then.
 */
async function runSystemdNotify(lines: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  await run("systemd-notify", lines, { env, timeout: NOTIFY_MS, killSignal: "SIGKILL" });
}

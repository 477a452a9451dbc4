import { connect, type Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { ConnectionRace, type Attempt } from "./connection-race.ts";
import { abortError, DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import { fromNodeError } from "./node-error.ts";
import { resolveHost } from "./resolve-host.ts";
import { refuseForbiddenTarget } from "./target-guard.ts";

/** How {@link dial} dials. */
export interface DialOptions {
  /** For the look-up of the name and all attempts together, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Gives up when aborted; has no effect on a socket that was returned. */
  readonly signal?: AbortSignal;
  /**
   * Whether the address is a target's: then metadata services and the like are refused, also behind a name. The name is
   * resolved once, and what was checked is what is dialled. Default false.
   */
  readonly isTarget?: boolean;
  /** Sends small writes at once. Default true. */
  readonly noDelay?: boolean;
  /** TCP keep-alive begins after this long without a byte, in milliseconds. Default 30,000. */
  readonly keepAliveDelayMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Looks a name up. Default: {@link resolveHost}, the system's way. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** The default of {@link DialOptions.timeoutMs}. */
export const DEFAULT_DIAL_TIMEOUT_MS = 10_000;

const ignoreError = (): void => {};

/**
 * Opens a TCP connection, which allows half-open use and whose bytes wait in its own buffer. It
 * may be left alone until it is needed: should it fail meanwhile, it is `destroyed`, and no `error` event ends the process.
 * The addresses of a name race: see {@link ConnectionRace}.
 *
 * @throws DrawbridgeError `dial-failed`, with what the address did; `cancelled`, or the signal's own DrawbridgeError
 */
export function dial(address: Address, options: DialOptions = {}): Promise<Socket> {
  const { timeoutMs = DEFAULT_DIAL_TIMEOUT_MS, signal, clock = systemClock } = options;
  if (signal?.aborted === true) return Promise.reject(abortError(signal));
  if (options.isTarget === true) {
    try {
      refuseForbiddenTarget(address.host);
    } catch (error) {
      return Promise.reject(toDrawbridgeError(error));
    }
  }
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  let race: ConnectionRace<Socket> | undefined;
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
    race?.abandon();
  };
  const fail = (error: unknown): void => {
    if (isSettled) return;
    settle();
    reject(fromNodeError(error, formatAddress(address), "dial"));
  };
  const onAbort = (): void => {
    if (signal !== undefined) fail(abortError(signal));
  };
  const timer = clock.setTimer(timeoutMs, () => fail(timeoutError(address, timeoutMs)));
  signal?.addEventListener("abort", onAbort);
  const resolveName = options.resolve ?? resolveHost;
  resolveName(address.host)
    .then((hosts) => {
      if (isSettled) return;
      // All of them: a name with one forbidden address is not to be trusted with its others.
      if (options.isTarget === true) hosts.forEach(refuseForbiddenTarget);
      race = new ConnectionRace(hosts, (host) => attempt({ host, port: address.port }, options), clock);
      race.winner.then((socket) => {
        settle();
        resolve(socket);
      }, fail);
    })
    .catch(fail);
  return promise;
}

/** One connection to one IP address. */
function attempt({ host, port }: Address, { noDelay = true, keepAliveDelayMs = 30_000 }: DialOptions): Attempt<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const keepAlive = { keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs };
  const socket = connect({ host, port, allowHalfOpen: true, noDelay, ...keepAlive, autoSelectFamily: false });
  // Its error listener stays for its whole life.
  socket.once("error", reject).on("error", ignoreError);
  socket.once("connect", () => {
    socket.off("error", reject);
    resolve(socket);
  });
  return { connected: promise, abandon: () => socket.destroy() };
}

function timeoutError(address: Address, timeoutMs: number): DrawbridgeError {
  return new DrawbridgeError("dial-failed", `${formatAddress(address)} did not answer within ${timeoutMs} ms`, {
    remedy: "Check the address, and that no firewall drops the connection.",
  });
}

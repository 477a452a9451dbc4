import { connect, type Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { abortError, DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import { fromNodeError } from "./node-error.ts";
import { guardedLookup, refuseForbiddenTarget } from "./target-guard.ts";

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
}

/** The default of {@link DialOptions.timeoutMs}. */
export const DEFAULT_DIAL_TIMEOUT_MS = 10_000;

/**
 * Node tries the addresses of a name one after another and gives each but the last this long. Its default of 250 ms
 * makes a host with several addresses unreachable over a slow link (satellite, VPN), see nodejs/node#54359.
 */
const ATTEMPT_TIMEOUT_MS = 2500;

const ignoreError = (): void => {};

/**
 * Opens a TCP connection, which allows half-open use and whose bytes wait in its own buffer. It
 * may be left alone until it is needed: should it fail meanwhile, it is `destroyed`, and no `error` event ends the process.
 *
 * @throws DrawbridgeError `dial-failed`, with what the address did; `cancelled`, or the signal's own DrawbridgeError
 */
export function dial(address: Address, options: DialOptions = {}): Promise<Socket> {
  const {
    timeoutMs = DEFAULT_DIAL_TIMEOUT_MS,
    signal,
    isTarget = false,
    noDelay = true,
    keepAliveDelayMs = 30_000,
    clock = systemClock,
  } = options;
  if (signal?.aborted === true) return Promise.reject(abortError(signal));
  if (isTarget) {
    try {
      refuseForbiddenTarget(address.host);
    } catch (error) {
      return Promise.reject(toDrawbridgeError(error));
    }
  }
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({
    host: address.host,
    port: address.port,
    allowHalfOpen: true,
    noDelay,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveDelayMs,
    ...(isTarget && { lookup: guardedLookup }),
    autoSelectFamilyAttemptTimeout: Math.min(ATTEMPT_TIMEOUT_MS, timeoutMs),
  });
  const settle = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
    socket.off("connect", onConnect);
  };
  const fail = (error: DrawbridgeError): void => {
    settle();
    socket.destroy();
    reject(error);
  };
  const onConnect = (): void => {
    settle();
    socket.off("error", onError).on("error", ignoreError);
    resolve(socket);
  };
  // Stays on a socket that failed: several attempts may report more than one error.
  const onError = (error: Error): void => fail(fromNodeError(error, formatAddress(address), "dial"));
  const onAbort = (): void => {
    if (signal !== undefined) fail(abortError(signal));
  };
  const timer = clock.setTimer(timeoutMs, () => fail(timeoutError(address, timeoutMs)));
  signal?.addEventListener("abort", onAbort);
  socket.on("connect", onConnect).on("error", onError);
  return promise;
}

function timeoutError(address: Address, timeoutMs: number): DrawbridgeError {
  return new DrawbridgeError("dial-failed", `${formatAddress(address)} did not answer within ${timeoutMs} ms`, {
    remedy: "Check the address, and that no firewall drops the connection.",
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { Backoff, openGatewayChannel } from "@drawbridge/control/rpc";
import type { Log } from "@drawbridge/control/wire";
import type { DrawbridgeError, ErrorCode, Gateways } from "@drawbridge/dataplane";
import { toDrawbridgeError } from "@drawbridge/dataplane";
import type { Output } from "./rendering/index.ts";

/** What a call that lasts is made over. */
export interface GatewayPath {
  /** To begin with. */
  channel: RpcChannel;
  /** Takes a channel in the place of the one before, which it closes; and closes it in the end. */
  take: (channel: RpcChannel) => void;
  identity: () => EnrolledIdentity;
  gateways: Gateways;
  signal: AbortSignal;
  log: Log;
  /**
   * Whether to go on when no gateway is left that has not failed, or the cloud redirector stops; but not before one has
   * answered: whoever names a wrong address wants to hear of it. Default false.
   */
  keepsTrying?: boolean;
  /** Told before each wait for the provider, after which it is tried again. Default: only the log tells. */
  onWait?: (why: DrawbridgeError, retryInMs: number) => void;
}

/** Tells the readers of JSON lines that what they were told is not up to date, until the next line. */
export function tellWait(output: Output): NonNullable<GatewayPath["onWait"]> {
  return ({ code, message }, retryInMs) => output.record({ event: "disconnected", code, message, retryInMs });
}

/** With these it may be there again in a while. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unavailable", "shutting-down", "dial-failed"]);

/**
 * Runs a call that lasts; when its gateway is lost, runs it again over another, for as long as one is left that has not
 * failed; with `keepsTrying` also over those that have, after longer and longer waits. Errors: those of the call.
 */
export async function overGateways(path: GatewayPath, call: (channel: RpcChannel) => Promise<void>): Promise<void> {
  const backoff = new Backoff();
  let { channel } = path;
  let keepsTrying = false;
  for (;;) {
    const begunAt = performance.now();
    // Beside the call, which connects as well, and whose error says more.
    void channel.connect({ signal: path.signal }).then(
      (state) => {
        if (state === "connected") keepsTrying = path.keepsTrying === true;
      },
      () => {},
    );
    try {
      await call(channel);
      return;
    } catch (error) {
      const lost = toDrawbridgeError(error);
      if (path.signal.aborted) throw error;
      channel = await reopen({ ...path, keepsTrying }, channel.address, lost, () =>
        backoff.next(performance.now() - begunAt),
      );
      path.take(channel);
    }
  }
}

/** Opens a channel again after one was lost at a place. Throws the loss where there is nothing to hope for. */
async function reopen(
  path: GatewayPath,
  place: string,
  lost: DrawbridgeError,
  nextWaitMs: () => number,
): Promise<RpcChannel> {
  const { gateways, identity, signal, log, keepsTrying = false } = path;
  let failure = lost;
  if (failure.code === "unavailable") gateways.failed(place);
  for (;;) {
    const hasOther = failure.code === "unavailable" && gateways.hasOtherThan(place);
    if (!hasOther && !(keepsTrying && PASSING.has(failure.code))) throw failure;
    if (!hasOther) await pause(nextWaitMs(), failure, path);
    try {
      const channel = await openGatewayChannel(identity(), gateways, signal);
      const text = `${lost.message}; going on at ${channel.address}`;
      // Where the last one fails too, the call says why.
      const isThere = (await channel.connect({ signal })) === "connected";
      if (isThere) log.warn({ event: "gateway-lost", gateway: channel.address }, text);
      return channel;
    } catch (error) {
      failure = toDrawbridgeError(error);
      if (signal.aborted || !keepsTrying) throw failure;
    }
  }
}

async function pause(waitMs: number, why: DrawbridgeError, { signal, log, onWait }: GatewayPath): Promise<void> {
  const text = `${why.message}; next attempt in ${(waitMs / 1000).toFixed(1)} s`;
  log.warn({ event: "connection-lost", retryInMs: Math.round(waitMs) }, text);
  onWait?.(why, Math.round(waitMs));
  await sleep(waitMs, undefined, { signal });
}

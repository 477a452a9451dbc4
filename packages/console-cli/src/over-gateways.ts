import type { EnrolledIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { openGatewayChannel } from "@drawbridge/control/rpc";
import type { Log } from "@drawbridge/control/wire";
import type { Gateways } from "@drawbridge/dataplane";
import { toDrawbridgeError } from "@drawbridge/dataplane";

/** What a call that lasts is made over. */
export interface GatewayPath {
  /** To begin with; closed by whoever opened it. */
  channel: RpcChannel;
  identity: () => EnrolledIdentity;
  gateways: Gateways;
  signal: AbortSignal;
  log: Log;
}

/**
 * Runs a call that lasts; when its gateway is lost, runs it again over another, for as long as one is left that has not
 * failed. Errors: those of the call.
 */
export async function overGateways(path: GatewayPath, call: (channel: RpcChannel) => Promise<void>): Promise<void> {
  const { gateways, identity, signal, log } = path;
  let { channel } = path;
  try {
    for (;;) {
      try {
        await call(channel);
        return;
      } catch (error) {
        const { code, message } = toDrawbridgeError(error);
        const isLost = code === "unavailable" && !signal.aborted;
        if (!isLost || !gateways.hasOtherThan(channel.address)) throw error;
        gateways.failed(channel.address);
        if (channel !== path.channel) channel.close();
        channel = await openGatewayChannel(identity(), gateways, signal);
        log.warn({ event: "gateway-lost", gateway: channel.address }, `${message}; going on at ${channel.address}`);
      }
    }
  } finally {
    if (channel !== path.channel) channel.close();
  }
}

import type { Gateways } from "@drawbridge/dataplane";
import { DrawbridgeError, HASTY_DIAL_MS } from "@drawbridge/dataplane";
import type { EnrolledIdentity } from "../identity/index.ts";
import type { RpcChannel } from "./channel.ts";
import { openChannel } from "./enrollment-client.ts";

/** How long the last gateway that is left may take to answer, in milliseconds. */
const LAST_MS = 10_000;

/**
 * Opens a channel at the first gateway that answers. Where each of them fails, the last one's channel is returned, on
 * which a call fails at once and tells why.
 *
 * Errors: those of {@link openChannel}; `unavailable` when the last one does not answer; `dial-failed`; `cancelled`.
 */
export async function openGatewayChannel(
  identity: EnrolledIdentity,
  gateways: Gateways,
  signal?: AbortSignal,
): Promise<RpcChannel> {
  const order = await gateways.inOrder();
  for (const [index, place] of order.entries()) {
    const isLast = index === order.length - 1;
    const channel = openChannel(identity, place, gateways.reach);
    try {
      const withinMs = isLast ? LAST_MS : HASTY_DIAL_MS;
      const outcome = await channel.connect({ withinMs, ...(signal && { signal }) });
      if (outcome === "connected") gateways.worked(place);
      if (outcome === "connected" || isLast) return channel;
    } catch (error) {
      channel.close();
      if (isLast || signal?.aborted === true) throw error;
    }
    channel.close();
    gateways.failed(place);
  }
  throw new DrawbridgeError("dial-failed", "no gateway of the provider is known");
}

import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { loadIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { homeGateways, openGatewayChannel, RenewingIdentity } from "@drawbridge/control/rpc";
import type { Gateways } from "@drawbridge/dataplane";
import { systemWallClock } from "@drawbridge/control/wire";
import type { NetworkChoice } from "./network-options.ts";
import { openReach } from "./open-reach.ts";
import type { CommandContext } from "./run-command.ts";

/**
 * Runs a part of a command with the operator's channel to the cloud redirector, over the first gateway that answers, and
 * closes it afterwards.
 *
 * A certificate that is due is renewed first, and again whenever it is due while the command runs; when that fails the
 * old one is used, which has a third of its life left.
 *
 * @param context its `network` is what the command line says about the way out. Default: home and environment decide.
 */
export async function withOperatorChannel(
  context: CommandContext & { readonly network?: NetworkChoice },
  use: (channel: RpcChannel, identity: () => EnrolledIdentity, gateways: Gateways) => Promise<void>,
): Promise<void> {
  const { home, log, signal } = context;
  const path = home("operator");
  const renewing = new RenewingIdentity(path, await loadIdentity(path, "operator"), systemWallClock, log);
  const { reach } = await openReach(context, "operator", context.network);
  const { gateways, saved } = homeGateways(path, renewing.current, reach, log);
  const channel = await openGatewayChannel(renewing.current, gateways, signal);
  try {
    await renewing.renewIfDue(channel).catch((err: unknown) => {
      log.debug({ event: "renewal-failed", err }, "the certificate could not be renewed");
    });
    renewing.watch(channel);
    await use(channel, () => renewing.current, gateways);
  } finally {
    renewing.stop();
    channel.close();
    await saved();
  }
}

import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { OperatorAccess } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import type { Gateways } from "@drawbridge/dataplane";
import type { NetworkChoice } from "./network-options.ts";
import { openReach } from "./open-reach.ts";
import type { CommandContext } from "./run-command.ts";

/**
 * Runs a part of a command with the operator's channel to the cloud redirector, over the first gateway that answers, and
 * closes it afterwards; see {@link OperatorAccess}.
 *
 * @param use is given a `take` too, by which another channel takes the place of the first, which is closed.
 * @param context its `network` is what the command line says about the way out. Default: home and environment decide.
 */
export async function withOperatorChannel(
  context: CommandContext & { readonly network?: NetworkChoice },
  use: (
    channel: RpcChannel,
    identity: () => EnrolledIdentity,
    gateways: Gateways,
    take: (channel: RpcChannel) => void,
  ) => Promise<void>,
): Promise<void> {
  const { log, signal } = context;
  const home = context.home("operator");
  const { reach } = await openReach(context, "operator", context.network);
  await using access = await OperatorAccess.open({ home, reach, log, signal });
  const take = (channel: RpcChannel): void => access.take(channel);
  await use(access.channel, () => access.identity, access.gateways, take);
}

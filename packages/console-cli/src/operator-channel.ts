import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { loadIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { openChannel, RenewingIdentity } from "@drawbridge/control/rpc";
import { Gateways, Reach } from "@drawbridge/dataplane";
import { systemWallClock } from "@drawbridge/control/wire";
import type { CommandContext } from "./run-command.ts";

/**
 * Runs a part of a command with the operator's channel to the cloud redirector, and closes it afterwards.
 *
 * A certificate that is due is renewed first, and again whenever it is due while the command runs; when that fails the
 * old one is used, which has a third of its life left.
 */
export async function withOperatorChannel(
  { home, log }: CommandContext,
  use: (channel: RpcChannel, identity: () => EnrolledIdentity, gateways: Gateways) => Promise<void>,
): Promise<void> {
  const path = home("operator");
  const renewing = new RenewingIdentity(path, await loadIdentity(path, "operator"), systemWallClock, log);
  const gateways = new Gateways(renewing.current.addresses, new Reach());
  const channel = openChannel(renewing.current, gateways.next(), gateways.reach);
  try {
    await renewing.renewIfDue(channel).catch((err: unknown) => {
      log.debug({ event: "renewal-failed", err }, "the certificate could not be renewed");
    });
    renewing.watch(channel);
    await use(channel, () => renewing.current, gateways);
  } finally {
    renewing.stop();
    channel.close();
  }
}

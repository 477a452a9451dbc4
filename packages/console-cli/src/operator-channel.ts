import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { loadIdentity } from "@drawbridge/control/identity";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { openChannel } from "@drawbridge/control/rpc";
import type { CommandContext } from "./run-command.ts";

/** Runs a part of a command with the operator's channel to the cloud redirector, and closes it afterwards. */
export async function withOperatorChannel(
  { home }: CommandContext,
  use: (channel: RpcChannel, identity: EnrolledIdentity) => Promise<void>,
): Promise<void> {
  const identity = await loadIdentity(home("operator"), "operator");
  const channel = openChannel(identity, identity.addresses[0] ?? "");
  try {
    await use(channel, identity);
  } finally {
    channel.close();
  }
}

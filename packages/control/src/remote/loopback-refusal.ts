import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress } from "@drawbridge/dataplane";
import type { SocketOwner } from "./socket-owner.ts";

/** Why a connection to the loopback listener was refused: `permission-denied`, with what to do. */
export function loopbackRefusal(
  client: Address | undefined,
  owner: Exclude<SocketOwner, { kind: "own" }>,
): DrawbridgeError {
  const from = client === undefined ? "a connection" : `the connection from ${formatAddress(client)}`;
  const why =
    owner.kind === "other" ? `it belongs to another user (${owner.owner})` : `whose it is, is not known: ${owner.why}`;
  return new DrawbridgeError("permission-denied", `${from} was refused: ${why}`, {
    remedy:
      "Only your own processes may use the session. If this was you, through another user or another system, connect " +
      "with `--allow-other-users`, which lets everybody on this machine in.",
  });
}

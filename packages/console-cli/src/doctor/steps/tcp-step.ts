import type { Socket } from "node:net";
import { formatAddress, type Address, type Reach } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";

/**
 * Dials a gateway, through the proxy where there is one.
 *
 * @param keep is given the connection, to close it in the end; the next step uses it
 */
export function tcpStep(
  reach: Reach,
  address: Address,
  subject: string | undefined,
  keep: (socket: Socket) => void,
): Step<void, Socket> {
  return {
    id: "tcp",
    title: "TCP",
    ...(subject !== undefined && { subject }),
    timeoutMs: 12_000,
    async check(_input, signal) {
      const socket = await reach.dial(address, { signal });
      keep(socket);
      const { remoteAddress = "", remotePort = 0 } = socket;
      const at = formatAddress({ host: remoteAddress, port: remotePort });
      const text =
        reach.proxyFor(address) === undefined ? `${at} answers` : `the proxy connects to ${formatAddress(address)}`;
      return { outcome: "ok", text, details: { connectedTo: at }, value: socket };
    },
  };
}

/** Many tenant redirectors in a process of their own; the bench says which by the IPC channel. Ends when that closes. */
import { ManyTenants } from "../../integration/reconnect/many-tenants.ts";
import { DialGate, GatedReach } from "./dial-gate.ts";
import type { FleetOrder } from "./tenant-fleet.ts";

/** How many of them make their control connections at a time. */
const AT_ONCE = 32;

process.once("disconnect", () => process.exit());
const order = await new Promise<FleetOrder>((resolve) =>
  process.once("message", (message: FleetOrder) => resolve(message)),
);
const gate = new DialGate(AT_ONCE);
await ManyTenants.start(order.identities, {
  target: order.target,
  reach: () => new GatedReach(gate),
  connected: () => process.send?.("connected"),
});

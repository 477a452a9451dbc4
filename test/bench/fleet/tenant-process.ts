/** Many tenant redirectors in a process of their own; the bench says which by the IPC channel. Ends when that closes. */
import { ManyTenants } from "../../integration/reconnect/many-tenants.ts";
import type { FleetOrder } from "./tenant-fleet.ts";

process.once("disconnect", () => process.exit());
const order = await new Promise<FleetOrder>((resolve) =>
  process.once("message", (message: FleetOrder) => resolve(message)),
);
await ManyTenants.start(order.identities, {
  target: order.target,
  connected: () => process.send?.("connected"),
});

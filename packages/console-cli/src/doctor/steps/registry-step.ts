import { AdminClient } from "@drawbridge/control/remote";
import type { Step } from "../step.ts";
import type { Called } from "./grpc-step.ts";

/** Lists the tenants that an operator may reach. */
export function registryStep(): Step<Called, void> {
  return {
    id: "tenants",
    title: "tenants",
    timeoutMs: 10_000,
    async check({ channel }, signal) {
      const tenants = await new AdminClient(channel).listTenants(signal);
      const online = tenants.filter(({ state }) => state === "online").length;
      const details = { tenants: tenants.length, online };
      if (tenants.length > 0)
        return { outcome: "ok", text: `${tenants.length} may be reached, ${online} online`, details, value: undefined };
      const remedy = "Ask an admin of the provider whether a tenant was invited, and into which groups you may reach.";
      return { outcome: "warning", text: "there is none that you may reach", remedy, details, value: undefined };
    },
  };
}

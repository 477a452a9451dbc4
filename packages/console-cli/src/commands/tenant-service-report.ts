import type { TenantService } from "@drawbridge/control/tenant";
import type { ServiceReport } from "../sd-notify.ts";

/** Far longer than an attempt to connect and the pause after it, in milliseconds. */
const STUCK_MS = 10 * 60 * 1000;

/**
 * What a service manager hears of a tenant redirector. One that is not connected is healthy as long as it keeps trying:
 * a restart brings no network back, and would end sessions that outlive the control connection.
 *
 * @param nowMs milliseconds since the Unix epoch
 */
export function tenantServiceReport({ connection }: Pick<TenantService, "connection">, nowMs: number): ServiceReport {
  if (connection.name === "connected") {
    return { status: `connected to ${connection.provider} at ${connection.address}` };
  }
  // Every attempt that fails says since when.
  return { status: `not connected: ${connection.why}`, healthy: nowMs - connection.since < STUCK_MS };
}

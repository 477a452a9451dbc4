import type { TenantEntry } from "@drawbridge/control/remote";

/** Which tenants are wanted. What is left out does not narrow. */
export interface TenantFilter {
  /** A part of the name, the host's name or a target's name, of any case. */
  readonly text?: string | undefined;
  /** In at least one of these groups. */
  readonly groups: readonly string[];
  readonly state?: TenantEntry["state"] | undefined;
}

/** Whether a tenant is wanted. */
export function isWanted(tenant: TenantEntry, { text = "", groups, state }: TenantFilter): boolean {
  if (state !== undefined && tenant.state !== state) return false;
  if (groups.length > 0 && !groups.some((group) => tenant.groups.includes(group))) return false;
  const part = text.toLowerCase();
  return [tenant.name, tenant.hostName, ...tenant.targets.map(({ name }) => name)].some((each) =>
    each.toLowerCase().includes(part),
  );
}

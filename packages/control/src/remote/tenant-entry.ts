import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Tenant } from "@drawbridge/gen/drawbridge/v1/registry";
import { TenantState } from "@drawbridge/gen/drawbridge/v1/registry";

/** A tenant, as listed and watched. */
export interface TenantEntry {
  name: string;
  state: "online" | "offline";
  /** Milliseconds since the Unix epoch; undefined when it was never online. */
  since: number | undefined;
  groups: string[];
  targets: { name: string; address: string }[];
  /** Whether the tenant's policy lets somebody reach targets that are not among these, as `host:port`. */
  freeTargets: boolean;
  software: string;
  hostName: string;
  platform: string;
  sourceAddress: string;
  openSessions: number;
  /** SHA-256 of its public key, hexadecimal. */
  keyFingerprint: string;
}

/** A tenant of the contract as ours. */
export function tenantEntry(tenant: Tenant): TenantEntry {
  const {
    name,
    state,
    since,
    groups,
    targets,
    software,
    hostName,
    platform,
    sourceAddress,
    openSessions,
    freeTargets,
  } = tenant;
  return {
    name,
    state: state === TenantState.ONLINE ? "online" : "offline",
    since: since === undefined ? undefined : timestampMs(since),
    groups,
    targets: targets.map((target) => ({ name: target.name, address: target.address })),
    freeTargets,
    software,
    hostName,
    platform,
    sourceAddress,
    openSessions,
    keyFingerprint: Buffer.from(tenant.keyFingerprint).toString("hex"),
  };
}

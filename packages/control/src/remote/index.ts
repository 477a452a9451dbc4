export { connectTenant, type TenantConnection } from "./connect-tenant.ts";
export { enrollOperator, type EnrollOperatorOptions } from "./enroll-operator.ts";
export { KnownTenants } from "./known-tenants.ts";
export { OperatorAccess, type OperatorAccessOptions, type TrustTenantKey } from "./operator-access.ts";
export { openSession, type OperatorSession, type SessionOptions } from "./operator-session.ts";
export type { OwnLink } from "./own-link.ts";
export type { RemoteLinkEnd } from "./remote-link.ts";
export {
  RemoteRedirector,
  type RemoteObserver,
  type RemoteRedirectorOptions,
  type RemoteSessionEnd,
} from "./remote-redirector.ts";
export type { OpenedSession, SessionRequest } from "./session-stream.ts";
export { AdminClient, type AuditEntry, type AuditQuery, type InviteOrder, type SessionEntry } from "./admin-client.ts";
export { watchTenants, type TenantEvent } from "./registry-watch-client.ts";
export type { TenantEntry } from "./tenant-entry.ts";
export {
  stableListenAddresses,
  stableLoopbackAddress,
  type ListenAddresses,
  type StableAddressOwner,
  type StableLoopbackAddress,
} from "./stable-loopback-address.ts";

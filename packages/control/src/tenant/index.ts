export { allowNamedTargets, type AccessPolicy } from "./access-policy.ts";
export type { TenantWelcome } from "./control-connection.ts";
export type { OfferedLink, OfferedSession, PolicyDecision } from "./offers.ts";
export { DEFAULT_TARGET, formatTargets, parseTargets, type TenantTargets } from "./targets.ts";
export { openTenantHome, saveTargets, type TenantHome } from "./tenant-home.ts";
export type { TenantLinkEnd } from "./tenant-link.ts";
export { TenantRedirector, type TenantRedirectorOptions } from "./tenant-redirector.ts";
export type { TenantSessionObserver } from "./tenant-sessions.ts";

export { createInvite, type InviteRequest } from "./administration.ts";
export { createCloudHome, openCloudHome, type CloudHome } from "./cloud-home.ts";
export type { CloudLimits, CloudSettings } from "./cloud-settings.ts";
export { caStage, prepareCa, retireCa, switchCa, type CaStage } from "./ca-rotation.ts";
export { CloudRedirector, type CloudRedirectorOptions } from "./cloud-redirector.ts";
export { RIGHTS, ROLES, checkRight, mayReach, type Caller, type Right, type Role } from "./rights.ts";

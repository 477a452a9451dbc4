export { createInvite, type InviteRequest } from "./administration.ts";
export { AuditLog } from "./audit-log.ts";
export {
  createCloudHome,
  openCloudHome,
  readCloudHome,
  takeCloudHome,
  type CloudHome,
  type CloudHomeFiles,
} from "./cloud-home.ts";
export { publicAddresses, type CloudLimits, type CloudSettings, type InitialCloudSettings } from "./cloud-settings.ts";
export { caStage, prepareCa, retireCa, switchCa, type CaStage } from "./ca-rotation.ts";
export { readServerValidity } from "./server-certificate.ts";
export { CLOUD_METRICS } from "./metrics/cloud-metrics.ts";
export { PrometheusMetrics } from "./metrics/prometheus-metrics.ts";
export type { CloudWorkers } from "./data-plane.ts";
export { workerCount } from "./worker-count.ts";
export { CloudRedirector, type CloudRedirectorOptions } from "./cloud-redirector.ts";
export { RIGHTS, ROLES, checkRight, mayReach, type Caller, type Right, type Role } from "./rights.ts";

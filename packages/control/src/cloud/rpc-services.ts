import { closeReasonFrom } from "@drawbridge/dataplane";
import type { KeepAlive } from "../rpc/keep-alive.ts";
import { RpcServer } from "../rpc/rpc-server.ts";
import { authorizationMiddleware, errorMiddleware } from "../rpc/server-middleware.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../wire/log.ts";
import { createAuthorizer } from "./authorizer.ts";
import type { CloudCore } from "./cloud-core.ts";
import type { Metrics } from "./metrics/metrics-port.ts";
import type { Caller } from "./rights.ts";
import { adminService, adminServiceDefinition } from "./services/admin-service.ts";
import { controlService, controlServiceDefinition } from "./services/control-service.ts";
import { diagnosticService, diagnosticServiceDefinition } from "./services/diagnostic-service.ts";
import { enrollmentService, enrollmentServiceDefinition } from "./services/enrollment-service.ts";
import { healthService, healthServiceDefinition } from "./services/health-service.ts";
import { reflectionService, reflectionServiceDefinition } from "./services/reflection-service.ts";
import { registryService, registryServiceDefinition } from "./services/registry-service.ts";
import { sessionService, sessionServiceDefinition } from "./services/session-service.ts";

/** What the services are served with. */
export interface RpcServicesOptions {
  core: CloudCore;
  store: Store;
  keepAlive: KeepAlive;
  maxCallsPerConnection: number;
  log: Log;
  metrics: Metrics;
}

/** The gRPC server with all services of the contract. */
export function createRpcServices(options: RpcServicesOptions): RpcServer<{ caller: Caller }> {
  const { core, store, keepAlive, maxCallsPerConnection, log, metrics } = options;
  const server = new RpcServer<{ caller: Caller }>({
    keepAlive,
    maxCallsPerConnection,
    middleware: [
      errorMiddleware((error, { path, peer }) => {
        metrics.callRefused(closeReasonFrom(error));
        const fields = { event: "call-refused", code: error.code, path, peer };
        if (error.code === "internal") log.error({ ...fields, err: error }, `${path} failed: ${error.message}`);
        else log.info(fields, `${path} was refused: ${error.message}`);
      }),
      authorizationMiddleware(createAuthorizer(store, core.provider)),
    ],
  });
  server.add(controlServiceDefinition, controlService(core));
  server.add(registryServiceDefinition, registryService(core));
  server.add(sessionServiceDefinition, sessionService(core));
  server.add(enrollmentServiceDefinition, enrollmentService(core));
  server.add(diagnosticServiceDefinition, diagnosticService(core));
  server.add(adminServiceDefinition, adminService(core));
  server.add(healthServiceDefinition, healthService(core));
  server.add(reflectionServiceDefinition, reflectionService());
  return server;
}

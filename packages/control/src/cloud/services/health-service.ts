import { DrawbridgeError } from "@drawbridge/dataplane";
import { HealthCheckResponse_ServingStatus as ServingStatus, Health } from "@drawbridge/gen/grpc/health/v1/health";
import type { ServiceImplementation } from "nice-grpc";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { Caller } from "../rights.ts";
import { CONTRACT } from "./contract.ts";

export const healthServiceDefinition = serviceDefinition(Health);

/**
 * grpc.health.v1: whether new sessions are taken. The whole server is asked for by an empty name; its services have no
 * health of their own, so each name of them gets the same answer.
 */
export function healthService(
  core: CloudCore,
): ServiceImplementation<typeof healthServiceDefinition, { caller: Caller }> {
  const isKnown = (service: string): boolean => service === "" || CONTRACT.some(({ typeName }) => typeName === service);
  const status = (): ServingStatus =>
    core.broker.draining.aborted ? ServingStatus.NOT_SERVING : ServingStatus.SERVING;
  return {
    async check({ service }) {
      if (!isKnown(service)) throw new DrawbridgeError("target-not-found", "this server has no such service");
      return { status: status() };
    },
    async *watch({ service }, { signal }) {
      // The specification wants a stream that goes on also for a service that is not known, as it may come.
      if (!isKnown(service)) yield { status: ServingStatus.SERVICE_UNKNOWN };
      else yield* changes(status, core, signal);
    },
  };
}

async function* changes(status: () => ServingStatus, core: CloudCore, signal: AbortSignal) {
  yield { status: status() };
  if (status() === ServingStatus.SERVING) {
    await aborted(AbortSignal.any([signal, core.stopping, core.broker.draining]));
    yield { status: ServingStatus.NOT_SERVING };
  }
  await aborted(AbortSignal.any([signal, core.stopping]));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}

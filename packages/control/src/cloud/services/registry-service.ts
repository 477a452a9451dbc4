import type { MessageInitShape } from "@bufbuild/protobuf";
import type { WatchRequest, WatchResponseSchema } from "@drawbridge/gen/drawbridge/v1/registry";
import { RegistryService } from "@drawbridge/gen/drawbridge/v1/registry";
import type { ServiceImplementation } from "nice-grpc";
import { firstMessage } from "../../rpc/first-message.ts";
import { gatewayOfCall } from "../../rpc/call-connection.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { RegistryEvent } from "../registry-watch.ts";
import { RegistryWatch } from "../registry-watch.ts";
import type { Caller } from "../rights.ts";
import { mayReach } from "../rights.ts";
import { tenantFilter, tenantMessage } from "./messages.ts";

export const registryServiceDefinition = serviceDefinition(RegistryService);

/** The tenant registry, watched by consoles. */
export function registryService(
  core: CloudCore,
): ServiceImplementation<typeof registryServiceDefinition, { caller: Caller }> {
  return {
    async *watch(requests, context) {
      const watch = new RegistryWatch(core.registry, (groups) => mayReach(context.caller, groups));
      const failure = new AbortController();
      const signal = AbortSignal.any([context.signal, core.stopping, failure.signal]);
      const messages = requests[Symbol.asyncIterator]();
      const end = (why: unknown): void => failure.abort(why);
      const unwatch = core.gatewayDrains.watch(gatewayOfCall(context.metadata), end);
      try {
        const first = await firstMessage(messages, "watch request", core.limits.helloTimeoutMs, core.clock);
        watch.setFilter(tenantFilter(first.filter));
        void readFilters(messages, watch).catch(end);
        while (!signal.aborted) {
          const event = watch.take();
          if (event === undefined) await watch.ready(signal);
          else yield responseOf(core, event);
        }
        failure.signal.throwIfAborted();
        core.refuseWhileStopping();
      } finally {
        watch.close();
        unwatch();
      }
    },
  };
}

/** The end of the requests does not end the watch. */
async function readFilters(messages: AsyncIterator<WatchRequest>, watch: RegistryWatch): Promise<void> {
  for (;;) {
    const next = await messages.next();
    if (next.done === true) return;
    watch.setFilter(tenantFilter(next.value.filter));
  }
}

function responseOf(core: CloudCore, event: RegistryEvent): MessageInitShape<typeof WatchResponseSchema> {
  const tenant = (registered: Parameters<typeof tenantMessage>[0]) =>
    tenantMessage(registered, core.broker.openSessionsOf(registered.name));
  switch (event.event) {
    case "snapshot":
      return { message: { case: "snapshot", value: { tenants: event.tenants.map(tenant) } } };
    case "changed":
      return { message: { case: "changed", value: tenant(event.tenant) } };
    case "removed":
      return { message: { case: "removed", value: event.name } };
  }
}

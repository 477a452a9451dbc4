import { RegistryService } from "@drawbridge/gen/drawbridge/v1/registry";
import type { RpcChannel } from "../rpc/channel.ts";
import { MessageQueue } from "../rpc/message-queue.ts";
import { serviceDefinition } from "../rpc/service-definition.ts";
import type { TenantEntry } from "./tenant-entry.ts";
import { tenantEntry } from "./tenant-entry.ts";

const definition = serviceDefinition(RegistryService);

/** What a watch tells. */
export type TenantEvent =
  | { event: "snapshot"; tenants: TenantEntry[] }
  | { event: "changed"; tenant: TenantEntry }
  | { event: "removed"; name: string };

/** Watches the tenants that this operator may see: all of them first, then each change, until the signal fires. */
export async function* watchTenants(
  channel: RpcChannel,
  signal: AbortSignal,
): AsyncGenerator<TenantEvent, void, undefined> {
  const requests = new MessageQueue<object>().endOn(signal);
  requests.push({});
  for await (const { message } of channel.client(definition).watch(requests, { signal })) {
    switch (message.case) {
      case "snapshot":
        yield { event: "snapshot", tenants: message.value.tenants.map(tenantEntry) };
        break;
      case "changed":
        yield { event: "changed", tenant: tenantEntry(message.value) };
        break;
      case "removed":
        yield { event: "removed", name: message.value };
        break;
      case undefined:
        break; // from a newer contract
    }
  }
}

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { ConnectRequest } from "@drawbridge/gen/drawbridge/v1/control";
import { ControlService } from "@drawbridge/gen/drawbridge/v1/control";
import type { ServiceImplementation } from "nice-grpc";
import type { CallContext } from "nice-grpc-common";
import { firstMessage } from "../../rpc/first-message.ts";
import { MessageQueue } from "../../rpc/message-queue.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import { fromRefusal } from "../../wire/refusal.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { Caller } from "../rights.ts";
import type { SessionDecision } from "../session.ts";
import { tenantFacts } from "./messages.ts";
import type { ConnectResponseInit } from "./tenant-stream.ts";
import { TenantStream } from "./tenant-stream.ts";

export const controlServiceDefinition = serviceDefinition(ControlService);

/** The tenants' control connections. */
export function controlService(
  core: CloudCore,
): ServiceImplementation<typeof controlServiceDefinition, { caller: Caller }> {
  return {
    async *connect(requests, context) {
      const tenant = tenantName(context.caller);
      const messages = requests[Symbol.asyncIterator]();
      const first = await firstMessage(messages, "hello", core.limits.helloTimeoutMs, core.clock);
      if (first.message.case !== "hello")
        throw new DrawbridgeError("protocol-violation", "the first message is no hello");
      const hello = first.message.value;
      const queue = new MessageQueue<ConnectResponseInit>().endOn(context.signal);
      const port = new TenantStream(queue);
      const epoch = await core.tenantConnected(tenant, port, tenantFacts(hello, context.peer));
      try {
        const serverTime = timestampFromMs(core.clock.wallNow());
        const value = { tenant, epoch, serverTime, provider: core.provider };
        queue.push({ message: { case: "welcome", value } });
        core.tenantReturned(tenant, hello.sessionIds, port);
        void readRequests(core, tenant, messages, queue);
        yield* queue;
      } finally {
        await core.tenantDisconnected(tenant, epoch);
      }
    },
  };
}

/** The tenant's name. Rights have let nobody else through. */
function tenantName(caller: Caller): string {
  if (caller.kind === "tenant") return caller.name;
  throw new DrawbridgeError("permission-denied", "only tenants hold control connections");
}

async function readRequests(
  core: CloudCore,
  tenant: string,
  messages: AsyncIterator<ConnectRequest>,
  queue: MessageQueue<ConnectResponseInit>,
): Promise<void> {
  try {
    for (;;) {
      const next = await messages.next();
      if (next.done === true) break;
      handle(core, tenant, next.value, queue);
    }
    queue.end();
  } catch (error) {
    queue.fail(error);
  }
}

function handle(core: CloudCore, tenant: string, { message }: ConnectRequest, queue: MessageQueue<unknown>): void {
  // A tenant speaks of its own sessions only: any other id is as good as unknown.
  const session = (id: string) => {
    const found = core.broker.get(id);
    return found?.purpose.tenant === tenant ? found : undefined;
  };
  switch (message.case) {
    case "sessionAnswer":
      session(message.value.sessionId)?.decide(decisionOf(message.value.decision));
      break;
    case "linkAnswer": {
      const { linkId, outcome } = message.value;
      if (outcome.case !== "refused") break;
      for (const open of core.broker.ofTenant(tenant)) open.linkRefused(linkId, fromRefusal(outcome.value));
      break;
    }
    case "sessionClose":
      session(message.value.sessionId)?.end(fromRefusal(message.value.reason));
      break;
    case "goodbye":
      queue.end();
      break;
    case "hello":
      throw new DrawbridgeError("protocol-violation", "a control connection has one hello");
    case undefined:
      break; // from a newer contract
  }
}

type DecisionMessage = Extract<ConnectRequest["message"], { case: "sessionAnswer" }>["value"]["decision"];

function decisionOf(decision: DecisionMessage): SessionDecision {
  switch (decision.case) {
    case "accepted":
      return { decision: "accepted" };
    case "pending": {
      const { seconds, nanos } = decision.value.within ?? { seconds: 0n, nanos: 0 };
      return { decision: "pending", withinMs: Number(seconds) * 1000 + nanos / 1e6 };
    }
    case "refused":
      return { decision: "refused", reason: fromRefusal(decision.value) };
    case undefined:
      return {
        decision: "refused",
        reason: { code: "protocol-violation", message: "the tenant's answer has no decision" },
      };
  }
}

/** What services get beside the request. */
export type ServiceContext = CallContext & { caller: Caller };

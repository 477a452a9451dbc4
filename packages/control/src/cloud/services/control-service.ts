import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { DrawbridgeError } from "@drawbridge/dataplane";
import type { ConnectRequest } from "@drawbridge/gen/drawbridge/v1/control";
import { ControlService } from "@drawbridge/gen/drawbridge/v1/control";
import type { ServiceImplementation } from "nice-grpc";
import { firstMessage } from "../../rpc/first-message.ts";
import { gatewayOfCall } from "../../rpc/call-connection.ts";
import { MessageQueue } from "../../rpc/message-queue.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import { durationMs } from "../../wire/duration.ts";
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
      const port = new TenantStream(queue, gatewayOfCall(context.metadata));
      const facts = tenantFacts(hello, context.peer);
      const epoch = await core.tenantConnected(tenant, port, facts, hello.sessionIds, (number) => {
        const serverTime = timestampFromMs(core.clock.wallNow());
        const value = { tenant, epoch: number, serverTime, provider: core.provider, gateways: core.gateways };
        queue.push({ message: { case: "welcome", value } });
      });
      try {
        void readRequests(core, tenant, epoch, messages, queue);
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
  epoch: bigint,
  messages: AsyncIterator<ConnectRequest>,
  queue: MessageQueue<ConnectResponseInit>,
): Promise<void> {
  try {
    for (;;) {
      const next = await messages.next();
      if (next.done === true) break;
      if (next.value.message.case === "goodbye") {
        core.tenantSaidGoodbye(tenant, epoch, fromRefusal(next.value.message.value.reason));
        break;
      }
      handle(core, tenant, epoch, next.value);
    }
    queue.end();
  } catch (error) {
    queue.fail(error);
  }
}

function handle(core: CloudCore, tenant: string, epoch: bigint, { message }: ConnectRequest): void {
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
    case "freeTargetsChanged":
      core.registry.freeTargetsChanged(tenant, epoch, message.value.freeTargets);
      break;
    case "hello":
      throw new DrawbridgeError("protocol-violation", "a control connection has one hello");
    default: // from a newer contract
  }
}

type DecisionMessage = Extract<ConnectRequest["message"], { case: "sessionAnswer" }>["value"]["decision"];

function decisionOf(decision: DecisionMessage): SessionDecision {
  switch (decision.case) {
    case "accepted":
      return { decision: "accepted", ...decision.value };
    case "pending":
      return { decision: "pending", withinMs: durationMs(decision.value.within) ?? 0 };
    case "refused":
      return { decision: "refused", reason: fromRefusal(decision.value) };
    case undefined:
      return {
        decision: "refused",
        reason: { code: "protocol-violation", message: "the tenant's answer has no decision" },
      };
  }
}

import { DrawbridgeError } from "@drawbridge/dataplane";
import type { OpenRequest, SessionStart } from "@drawbridge/gen/drawbridge/v1/session";
import { SessionService } from "@drawbridge/gen/drawbridge/v1/session";
import type { ServiceImplementation } from "nice-grpc";
import { gatewayOfCall } from "../../rpc/call-connection.ts";
import { firstMessage } from "../../rpc/first-message.ts";
import { MessageQueue } from "../../rpc/message-queue.ts";
import { serviceDefinition } from "../../rpc/service-definition.ts";
import { durationMs } from "../../wire/duration.ts";
import type { CloudCore } from "../cloud-core.ts";
import type { SessionOperator } from "../ports.ts";
import type { Caller } from "../rights.ts";
import { mayReach } from "../rights.ts";
import type { Session } from "../session.ts";
import type { OpenResponseInit } from "./remote-stream.ts";
import { RemoteStream } from "./remote-stream.ts";

export const sessionServiceDefinition = serviceDefinition(SessionService);

/** The operators' sessions. */
export function sessionService(
  core: CloudCore,
): ServiceImplementation<typeof sessionServiceDefinition, { caller: Caller }> {
  return {
    async *open(requests, context) {
      const messages = requests[Symbol.asyncIterator]();
      const first = await firstMessage(messages, "start", core.limits.helloTimeoutMs, core.clock);
      if (first.message.case !== "start")
        throw new DrawbridgeError("protocol-violation", "the first message is no start");
      const queue = new MessageQueue<OpenResponseInit>().endOn(context.signal);
      // Any text, from whoever calls: it is read as a place in a trace, or not at all.
      const traceparent = context.metadata.get("traceparent") ?? "";
      const session = openSession(core, context, first.message.value, traceparent, queue);
      const unwatch = core.gatewayDrains.watch(gatewayOfCall(context.metadata), ({ code, message, remedy }, withinMs) =>
        session.tellEnding(withinMs, { code, message, remedy }),
      );
      try {
        void readRequests(session, messages, queue);
        yield* queue;
      } finally {
        unwatch();
        session.end({ code: "cancelled", message: "the operator's session stream ended" });
      }
    },
  };
}

function openSession(
  core: CloudCore,
  { caller, peer }: { caller: Caller; peer: string },
  { tenant, target, reason, ticket, maxDuration, plainNonce, linksAhead }: SessionStart,
  traceparent: string,
  queue: MessageQueue<OpenResponseInit>,
): Session {
  const reach = (groups: readonly string[]): boolean => mayReach(caller, groups);
  const purpose = { tenant, target, reason, ticket };
  const request = { purpose, maxDurationMs: durationMs(maxDuration), plainNonce, linksAhead, traceparent };
  return core.openSession(operatorOf(caller, peer), request, new RemoteStream(queue, core.gateways), reach);
}

/** The operator. Rights have let nobody else through. */
function operatorOf(caller: Caller, peer: string): SessionOperator {
  if (caller.kind !== "operator") throw new DrawbridgeError("permission-denied", "only operators open sessions");
  const { name, role, keyFingerprint } = caller;
  return { name, role, keyFingerprint, sourceAddress: peer };
}

async function readRequests(
  session: Session,
  messages: AsyncIterator<OpenRequest>,
  queue: MessageQueue<OpenResponseInit>,
): Promise<void> {
  try {
    for (;;) {
      const next = await messages.next();
      if (next.done === true) break;
      const { message } = next.value;
      if (message.case === "linkRequest") session.requestLink(message.value.requestId, message.value);
      else if (message.case === "goodbye") session.end({ code: "closed", message: "the operator ended the session" });
      else if (message.case === "start") throw new DrawbridgeError("protocol-violation", "a session has one start");
    }
    queue.end();
  } catch (error) {
    queue.fail(error);
  }
}

import type { Message } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { DrawbridgeError } from "@drawbridge/dataplane";
import { file_drawbridge_v1_admin } from "@drawbridge/gen/drawbridge/v1/admin";
import { file_drawbridge_v1_control } from "@drawbridge/gen/drawbridge/v1/control";
import { file_drawbridge_v1_diagnostic } from "@drawbridge/gen/drawbridge/v1/diagnostic";
import { file_drawbridge_v1_enrollment } from "@drawbridge/gen/drawbridge/v1/enrollment";
import { file_drawbridge_v1_registry } from "@drawbridge/gen/drawbridge/v1/registry";
import { file_drawbridge_v1_session } from "@drawbridge/gen/drawbridge/v1/session";
import { file_grpc_health_v1_health } from "@drawbridge/gen/grpc/health/v1/health";
import { file_grpc_reflection_v1_reflection } from "@drawbridge/gen/grpc/reflection/v1/reflection";
import type { CallContext, CallOptions, ClientMiddlewareCall, ServerMiddlewareCall } from "nice-grpc-common";

const registry = createRegistry(
  file_drawbridge_v1_admin,
  file_drawbridge_v1_control,
  file_drawbridge_v1_diagnostic,
  file_drawbridge_v1_enrollment,
  file_drawbridge_v1_registry,
  file_drawbridge_v1_session,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
);
const validator = createValidator({ failFast: true });

/** Checks a message against the rules of its contract. Throws `invalid-argument` naming the field, not its value. */
export function validateMessage<Checked>(message: Checked): Checked {
  const typed = message as Message;
  const desc = registry.getMessage(typed.$typeName);
  if (desc === undefined) throw new DrawbridgeError("internal", `${typed.$typeName} is not of the contract`);
  const result = validator.validate(desc, typed);
  if (result.kind === "valid") return message;
  if (result.kind === "error")
    throw new DrawbridgeError("internal", "a validation rule failed", { cause: result.error });
  const violation = result.violations[0];
  throw new DrawbridgeError("invalid-argument", `${desc.name}: ${violation?.toString() ?? "not valid"}`, {
    remedy: "See the limits in proto/drawbridge/v1.",
  });
}

async function* validated<Checked>(messages: AsyncIterable<Checked>): AsyncGenerator<Checked, void, undefined> {
  for await (const message of messages) yield validateMessage(message);
}

/** Server middleware: every request message is checked before a service sees it. */
export async function* validationMiddleware<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  context: CallContext,
): AsyncGenerator<Response, Response | undefined, undefined> {
  const request = call.requestStream ? validated(call.request) : validateMessage(call.request);
  return (yield* call.next(request, context)) ?? undefined;
}

/** Client middleware: every response message is checked too, since a client trusts the cloud redirector with nothing. */
export async function* clientValidationMiddleware<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  options: CallOptions,
): AsyncGenerator<Response, Response | undefined, undefined> {
  if (call.responseStream) {
    yield* validated(call.next(call.request, options));
    return undefined;
  }
  return validateMessage(yield* call.next(call.request, options));
}

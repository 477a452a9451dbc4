import { DrawbridgeError, toDrawbridgeError } from "@drawbridge/dataplane";
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from "nice-grpc-common";
import { ServerError } from "nice-grpc-common";
import { peerCertificateOf } from "./call-connection.ts";
import { encodeStatusDetails, STATUS_DETAILS_TRAILER, STATUS_OF_CODE } from "./status.ts";

/** Told of each call that ended with an error. */
export type CallErrorListener = (error: DrawbridgeError, call: { path: string; peer: string }) => void;

/**
 * Turns what services throw into gRPC statuses with details. What is not a DrawbridgeError, or speaks of the server's
 * own machine, is told to the caller without its text, which may hold what the caller must not see.
 */
export function errorMiddleware(onError: CallErrorListener): ServerMiddleware {
  return async function* translateErrors<Request, Response>(
    call: ServerMiddlewareCall<Request, Response>,
    context: CallContext,
  ): AsyncGenerator<Response, Response | undefined, undefined> {
    try {
      return (yield* call.next(call.request, context)) ?? undefined;
    } catch (cause) {
      const error = toDrawbridgeError(cause);
      onError(error, { path: call.method.path, peer: context.peer });
      const told = cause instanceof DrawbridgeError && !isOwnAffair(error) ? error : withoutText(error);
      context.trailer.set(STATUS_DETAILS_TRAILER, encodeStatusDetails(told));
      throw new ServerError(STATUS_OF_CODE[told.code].status, told.message);
    }
  };
}

/** Errors of the server's own home and listener, whose texts hold paths and addresses of its machine. */
const isOwnAffair = ({ code }: DrawbridgeError): boolean => code.startsWith("home-") || code === "address-in-use";

function withoutText(error: DrawbridgeError): DrawbridgeError {
  const code = isOwnAffair(error) ? "internal" : error.code;
  return new DrawbridgeError(code, "the cloud redirector could not finish the call", {
    remedy: "Its log says why.",
  });
}

/** Decides who a caller is and whether it may make a call. Throws `unauthenticated` or `permission-denied`. */
export type Authorize<Caller> = (path: string, certificate: Buffer | undefined) => Promise<Caller>;

/** Middleware that lets a call through only when `authorize` allows it, and hands its caller to the service. */
export function authorizationMiddleware<Caller>(authorize: Authorize<Caller>): ServerMiddleware<{ caller: Caller }> {
  return async function* authorizeCall<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, { caller: Caller }>,
    context: CallContext,
  ): AsyncGenerator<Response, Response | undefined, undefined> {
    const caller = await authorize(call.method.path, peerCertificateOf(context.metadata));
    return (yield* call.next(call.request, { ...context, caller })) ?? undefined;
  };
}

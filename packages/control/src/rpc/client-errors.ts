import { DrawbridgeError, nodeErrorCode } from "@drawbridge/dataplane";
import type { CallOptions, ClientMiddleware, ClientMiddlewareCall, Metadata } from "nice-grpc-common";
import { ClientError, Status } from "nice-grpc-common";
import { decodeStatusDetails, STATUS_DETAILS_TRAILER } from "./status.ts";

/**
 * Client middleware that turns gRPC statuses into DrawbridgeErrors: the server's own reason where the status carries
 * one, otherwise what the status and the transport's text tell.
 *
 * @param address where the channel leads, for the texts.
 * @param dialFailure why the channel's last attempt to dial failed; undefined when it did not. Told in its own words.
 */
export function clientErrorMiddleware(
  address: string,
  dialFailure: () => DrawbridgeError | undefined = () => undefined,
): ClientMiddleware {
  return async function* translateErrors<Request, Response>(
    call: ClientMiddlewareCall<Request, Response>,
    options: CallOptions,
  ): AsyncGenerator<Response, Response | undefined, undefined> {
    let trailer: Metadata | undefined;
    const onTrailer = (received: Metadata): void => {
      trailer = received;
      options.onTrailer?.(received);
    };
    try {
      return (yield* call.next(call.request, { ...options, onTrailer })) ?? undefined;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      throw decodeStatusDetails(trailer?.get(STATUS_DETAILS_TRAILER)) ?? transportError(error, address, dialFailure());
    }
  };
}

/** What grpc-js's texts for a connection that failed mean to a person. First match wins. */
const TRANSPORT_TEXTS: readonly [RegExp, string, string][] = [
  [
    /ECONNREFUSED/,
    "refused the connection: nothing listens there",
    "Check the address and port, and that `drawbridge cloud run` is running.",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    "could not be found: its name does not resolve",
    "Check the spelling of the address and this machine's DNS.",
  ],
  [
    /CERT_NOT_YET_VALID|CERT_HAS_EXPIRED|certificate has expired|certificate is not yet valid/,
    "has a certificate that is not valid at this time",
    "Check this machine's clock first, then the server's.",
  ],
  [
    /self.signed|unable to verify|unable to get local issuer|Hostname\/IP does not match/i,
    "is not the provider that this home was enrolled with: its certificate comes from another CA",
    "Check the address. If the provider made a new CA, enrol again with a new invite code.",
  ],
  [
    /alert certificate|alert bad certificate|alert unknown ca|certificate required/i,
    "did not accept this home's certificate",
    "It may have expired or been revoked: ask the provider for a new invite code.",
  ],
  [
    /wrong version number|packet length too long|http_parser|Protocol error|SSL routines/i,
    "answered, but does not speak Drawbridge's protocol",
    "Check the port: another service may be listening there.",
  ],
  [
    /TLS handshake|before secure TLS/,
    "did not complete the TLS handshake",
    "A firewall or proxy on the way may not let it through, or another service is listening there.",
  ],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|Deadline/i, "did not answer in time", "Check the network and any firewall."],
];

function transportError(
  error: ClientError,
  address: string,
  dialFailure: DrawbridgeError | undefined,
): DrawbridgeError {
  switch (error.code) {
    case Status.UNAVAILABLE:
    case Status.DEADLINE_EXCEEDED: {
      if (dialFailure !== undefined) return undialled(dialFailure);
      const known = TRANSPORT_TEXTS.find(([pattern]) => pattern.test(error.details));
      const what = known?.[1] ?? "cannot be reached, or the connection to it was lost";
      const remedy = known?.[2] ?? "Check the address, the network and that `drawbridge cloud run` is running.";
      return new DrawbridgeError("unavailable", `the cloud redirector at ${address} ${what}`, {
        remedy,
        cause: error,
      });
    }
    case Status.CANCELLED:
      return new DrawbridgeError("cancelled", "the call was cancelled", { cause: error });
    case Status.RESOURCE_EXHAUSTED:
      return new DrawbridgeError("limit-exceeded", `${error.path}: ${error.details}`, { cause: error });
    case Status.UNIMPLEMENTED:
      return new DrawbridgeError("unavailable", `the server at ${address} does not know the call ${error.path}`, {
        remedy: "Check that client and server have fitting versions.",
        cause: error,
      });
    default:
      return new DrawbridgeError("internal", `the cloud redirector at ${address} failed: ${error.details}`, {
        remedy: "See the cloud redirector's log.",
        cause: error,
      });
  }
}

function undialled({ message, remedy, cause }: DrawbridgeError): DrawbridgeError {
  const hint = nodeErrorCode(cause) === "ECONNREFUSED" ? " Is `drawbridge cloud run` running there?" : "";
  return new DrawbridgeError("unavailable", `the cloud redirector cannot be reached: ${message}`, {
    remedy: `${remedy}${hint}`,
    cause,
  });
}

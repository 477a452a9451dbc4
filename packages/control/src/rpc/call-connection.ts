import type { TLSSocket } from "node:tls";
import type { ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import { gatewayOf } from "@drawbridge/dataplane";
import type { Metadata } from "nice-grpc-common";

/** What calls may ask of the connection that they came on. */
interface CallConnection {
  /** The client certificate (DER), if TLS has verified one. */
  readonly certificate: Buffer | undefined;
  /** The running gateway that it came through, if that names itself. */
  readonly gateway: string | undefined;
}

/** Carries the connection's name from the transport to the middleware. Never read from the wire: see below. */
const HEADER = "drawbridge-connection";

/** The connections that are there. */
const connections = new Map<string, CallConnection>();
let count = 0;

/**
 * Remembers a connection for its calls, until it is closed. grpc-js' calls cannot be asked for their socket, but for its
 * own port, which nothing here needs; and what they have for certificates takes half a millisecond a call.
 */
export function tellConnection(socket: TLSSocket): void {
  const name = `c${(count += 1)}`;
  Object.defineProperty(socket, "localPort", { value: name });
  if (socket.destroyed) return;
  // Without a chain that was verified, whatever is in the certificate counts for nothing.
  const certificate = socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined;
  connections.set(name, { certificate, gateway: gatewayOf(socket) });
  socket.once("close", () => connections.delete(name));
}

/**
 * Puts the name of the connection where middleware and services find the rest by it.
 *
 * The header is removed first, always: a caller that sends it must not become whoever it names.
 */
export const connectionInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, forward) => {
          metadata.remove(HEADER);
          // A port that is none of our names finds nothing.
          metadata.set(HEADER, String(call.getConnectionInfo().localPort));
          forward(metadata);
        },
      }),
  });

const connectionOf = (metadata: Metadata): CallConnection | undefined => connections.get(metadata.get(HEADER) ?? "");

/** The verified client certificate (DER) of a call, or undefined where the caller has none, or is gone. */
export function peerCertificateOf(metadata: Metadata): Buffer | undefined {
  return connectionOf(metadata)?.certificate;
}

/** The running gateway that a call came through; undefined for none, and for one that does not name itself. */
export function gatewayOfCall(metadata: Metadata): string | undefined {
  return connectionOf(metadata)?.gateway;
}

import type { TLSSocket } from "node:tls";
import type { ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import type { Metadata } from "nice-grpc-common";

/** Carries the connection's number from the transport to the middleware. Never read from the wire: see below. */
const HEADER = "drawbridge-connection";

/** Certificates of the connections that are there. */
const certificates = new Map<string, Buffer>();
let connections = 0;

/**
 * Remembers a connection's verified client certificate for its calls. grpc-js' calls cannot be asked for their socket, but
 * for its own port, which nothing here needs; and what they have for certificates takes half a millisecond a call.
 */
export function tellCertificate(socket: TLSSocket): void {
  const key = `c${(connections += 1)}`;
  Object.defineProperty(socket, "localPort", { value: key });
  // Without a chain that was verified, whatever is in the certificate counts for nothing.
  const certificate = socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined;
  if (certificate === undefined || socket.destroyed) return;
  certificates.set(key, certificate);
  socket.once("close", () => certificates.delete(key));
}

/**
 * Puts the number of the connection where middleware finds its certificate by it.
 *
 * The header is removed first, always: a caller that sends it must not become whoever it names.
 */
export const peerCertificateInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, forward) => {
          metadata.remove(HEADER);
          const { localPort: connection } = call.getConnectionInfo();
          // A port that is none of our names finds nothing.
          if (connection !== undefined) metadata.set(HEADER, String(connection));
          forward(metadata);
        },
      }),
  });

/**
 * The verified client certificate (DER) of a call, or undefined where the caller has none, or is gone. The same object for
 * all calls of a connection.
 */
export function peerCertificateOf(metadata: Metadata): Buffer | undefined {
  return certificates.get(metadata.get(HEADER) ?? "");
}

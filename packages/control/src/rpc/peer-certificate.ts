import type { ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import type { Metadata } from "nice-grpc-common";

/** Carries the peer's certificate from the transport to the middleware. Never read from the wire: see below. */
const HEADER = "drawbridge-peer-certificate-bin";

/**
 * Puts the verified client certificate of the connection where middleware finds it.
 *
 * The header is removed first, always: a caller that sends it must not become whoever it names. grpc-js gives no
 * certificate for a connection whose chain was not verified (`authorized` is false).
 */
export const peerCertificateInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, forward) => {
          metadata.remove(HEADER);
          const certificate = call.getAuthContext().sslPeerCertificate;
          if (certificate !== undefined) metadata.set(HEADER, certificate.raw);
          forward(metadata);
        },
      }),
  });

/** The verified client certificate (DER) of a call, or undefined where the caller has none. */
export function peerCertificateOf(metadata: Metadata): Buffer | undefined {
  const certificate = metadata.get(HEADER);
  return certificate === undefined ? undefined : Buffer.from(certificate);
}

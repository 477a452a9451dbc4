import type { ServerInterceptor } from "@grpc/grpc-js";
import { ServerInterceptingCall } from "@grpc/grpc-js";
import { gatewayOf } from "@drawbridge/dataplane";
import type { Metadata } from "nice-grpc-common";
import type { TLSSocket } from "node:tls";

/** Carries the gateway from the transport to the services. Never read from the wire: see below. */
const HEADER = "drawbridge-gateway";

/**
 * Says on a connection's socket which gateway it came through, as grpc-js' calls can ask for it: they cannot be asked for
 * their socket, but for its own end's address, which nothing else here needs.
 */
export function tellGateway(socket: TLSSocket): void {
  Object.defineProperty(socket, "localAddress", { value: gatewayOf(socket) ?? "" });
}

/** Puts the gateway that a call came through where services find it. A header of that name from the caller is removed. */
export const gatewayInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, forward) => {
          metadata.remove(HEADER);
          const { localAddress: gateway = "" } = call.getConnectionInfo();
          if (gateway !== "") metadata.set(HEADER, gateway);
          forward(metadata);
        },
      }),
  });

/** The running gateway that a call came through; undefined for none, and for one that does not name itself. */
export function gatewayOfCall(metadata: Metadata): string | undefined {
  return metadata.get(HEADER);
}

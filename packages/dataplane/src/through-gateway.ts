import type { Socket } from "node:net";

const instances = new WeakMap<Socket, string>();

/** Says which running gateway a socket came through, as that named itself: see {@link GatewayNote}. */
export function setGatewayOf(socket: Socket, instance: string): void {
  instances.set(socket, instance);
}

/** Which running gateway a socket came through; undefined for none, and for one that does not name itself (HAProxy). */
export function gatewayOf(socket: Socket): string | undefined {
  return instances.get(socket);
}

import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { ChannelCredentials, type experimental } from "@grpc/grpc-js";

/** How long a TLS handshake may take, in milliseconds. */
const HANDSHAKE_MS = 10_000;

/**
 * A channel's credentials of a secure context, whose handshakes have a deadline and notice that the connection ended.
 *
 * grpc-js waits for an `error` or for success only: behind something that swallows TLS, and on a socket that is destroyed,
 * it would wait for ever.
 *
 * @param signal when it fires, a handshake under way fails and its socket is destroyed: grpc-js forgets the sockets of a
 *   channel that is closed meanwhile
 * @param onFailure told of a handshake that failed, and waited for before grpc-js is told. Must not reject. Default: nobody
 */
export function guardedCredentials(
  context: SecureContext,
  signal: AbortSignal,
  onFailure: (error: unknown) => Promise<void> = () => Promise.resolve(),
): ChannelCredentials {
  const credentials = ChannelCredentials.createFromSecureContext(context);
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args) => {
    const connector = create(...args);
    return {
      connect: (socket) =>
        guarded(connector, socket, signal).catch(async (error: unknown) => {
          await onFailure(error);
          throw error;
        }),
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  };
  return credentials;
}

async function guarded(
  connector: experimental.SecureConnector,
  socket: Socket,
  signal: AbortSignal,
): Promise<experimental.SecureConnectResult> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const lost = (): void => reject(new Error("the connection ended during the TLS handshake"));
  // An error tells more than the close that follows it.
  const onClose = (): void => void setImmediate(lost);
  const onAbort = (): void => {
    lost();
    socket.destroy();
  };
  const timer = setTimeout(() => reject(new Error("the TLS handshake did not complete in time")), HANDSHAKE_MS);
  socket.once("close", onClose);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([connector.connect(socket), over]);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off("close", onClose);
    signal.removeEventListener("abort", onAbort);
  }
}

import { isIP, type Socket } from "node:net";
import { connect, getCACertificates } from "node:tls";
import { systemClock } from "./clock.ts";
import { dial, type DialOptions } from "./dial.ts";
import { abortError, DrawbridgeError, toDrawbridgeError } from "./errors.ts";
import { formatProxy, type Proxy } from "./proxy.ts";

const ignoreError = (): void => {};

/**
 * Opens a connection to a proxy, ready for its CONNECT request; over TLS for an `https` proxy, whose certificate must come
 * from a CA that Node or the system trusts.
 *
 * @throws DrawbridgeError as {@link dial} does, in words that name the proxy
 */
export async function dialProxy(proxy: Proxy, options: DialOptions = {}): Promise<Socket> {
  const name = formatProxy(proxy);
  let socket: Socket;
  try {
    socket = await dial(proxy.address, options);
  } catch (error) {
    const { code, message, cause } = toDrawbridgeError(error);
    if (code !== "dial-failed") throw error;
    throw new DrawbridgeError(code, `the proxy cannot be reached: ${message}`, {
      remedy: `Check that ${name} is the proxy of this network and runs; --no-proxy dials without it.`,
      cause,
    });
  }
  return proxy.secure ? secureProxy(socket, proxy, options) : socket;
}

async function secureProxy(socket: Socket, proxy: Proxy, options: DialOptions): Promise<Socket> {
  const { timeoutMs = 10_000, signal, clock = systemClock } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { host } = proxy.address;
  const tls = connect({
    socket,
    host,
    // An IP address is no server name (RFC 6066, section 3).
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ["http/1.1"],
    ca: [...getCACertificates("default"), ...getCACertificates("system")],
  });
  const onFailure = (cause?: unknown): void => reject(noTls(proxy, cause));
  const onAbort = (): void => reject(abortError(signal as AbortSignal));
  const timer = clock.setTimer(timeoutMs, onFailure);
  signal?.addEventListener("abort", onAbort);
  tls.on("error", ignoreError).once("error", onFailure).once("close", onFailure).once("secureConnect", resolve);
  if (signal?.aborted === true) onAbort();
  try {
    await promise;
    tls.on("error", () => tls.destroy());
    return tls;
  } catch (error) {
    tls.destroy();
    socket.destroy();
    throw error;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
    tls.off("error", onFailure).off("close", onFailure);
  }
}

function noTls(proxy: Proxy, cause: unknown): DrawbridgeError {
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new DrawbridgeError("dial-failed", `no TLS connection to the proxy ${formatProxy(proxy)} can be made${code}`, {
    remedy:
      "Check that this proxy speaks TLS itself (most are http://), and that this machine trusts its certificate's CA.",
    cause,
  });
}

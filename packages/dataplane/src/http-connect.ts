import type { Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import { systemClock, type Clock } from "./clock.ts";
import { abortError, DrawbridgeError } from "./errors.ts";
import { readHttpAnswer, type HttpAnswer } from "./http-answer.ts";
import { formatProxy, type Proxy } from "./proxy.ts";

/** How long {@link connectThrough} waits, and for whom. */
export interface ConnectOptions {
  /** From the request to the answer's last byte, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * Asks an HTTP proxy for a tunnel: the method CONNECT (RFC 9110, section 9.3.6) with Basic authentication (RFC 7617)
 * where the proxy has credentials. The name goes to the proxy as it is; only the proxy may be able to resolve it.
 *
 * Afterwards the socket is the tunnel; bytes that came behind the answer's head are put back into it. When it fails, the
 * socket is left to the caller to destroy.
 *
 * @param socket a connection to the proxy
 * @throws DrawbridgeError `dial-failed`, with what the proxy did; `cancelled`, or the signal's own DrawbridgeError
 */
export async function connectThrough(
  socket: Socket,
  proxy: Proxy,
  address: Address,
  options: ConnectOptions = {},
): Promise<void> {
  const { timeoutMs = 10_000, clock = systemClock, signal } = options;
  const name = formatProxy(proxy);
  const { promise: over, reject } = Promise.withResolvers<never>();
  const late = `the proxy ${name} did not answer the request for ${formatAddress(address)} within ${timeoutMs} ms`;
  const timer = clock.setTimer(timeoutMs, () =>
    reject(failed(late, "Check that this is the proxy's address; see the proxy's log.")),
  );
  const onAbort = (): void => reject(abortError(signal as AbortSignal));
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted === true) onAbort();
  const reading = new AbortController();
  try {
    socket.write(requestFor(proxy, address));
    const answer = await Promise.race([readHttpAnswer(socket, name, reading.signal), over]);
    if (answer.status < 200 || answer.status > 299) throw refusal(answer, proxy, address);
  } finally {
    reading.abort();
    timer.cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

function requestFor({ credentials }: Proxy, address: Address): string {
  const target = formatAddress(address);
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, "User-Agent: drawbridge"];
  if (credentials !== undefined) {
    const userPass = Buffer.from(`${credentials.user}:${credentials.password}`, "utf8").toString("base64");
    lines.push(`Proxy-Authorization: Basic ${userPass}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function refusal({ status, schemes }: HttpAnswer, proxy: Proxy, address: Address): DrawbridgeError {
  const name = formatProxy(proxy);
  const target = formatAddress(address);
  switch (status) {
    case 401: // tinyproxy's answer to a wrong password
    case 407:
      return authenticationWanted(schemes, proxy, name);
    case 403:
    case 405:
      return failed(
        `the proxy ${name} forbids connections to ${target} (it answered ${status})`,
        `Ask whoever runs the proxy to allow CONNECT to port ${address.port}, or the provider for an address on port 443, which most proxies allow.`,
      );
    case 502:
    case 503:
    case 504:
      return failed(
        `the proxy ${name} cannot reach ${target} (it answered ${status})`,
        "Check that the provider is running; the proxy itself has to resolve and reach this address.",
      );
    default:
      return failed(
        `the proxy ${name} refused a connection to ${target} (it answered ${status})`,
        "See the proxy's log, or ask whoever runs it.",
      );
  }
}

function authenticationWanted(schemes: readonly string[], proxy: Proxy, name: string): DrawbridgeError {
  const offered = schemes.length === 0 ? "it does not say how" : `it offers ${schemes.join(", ")}`;
  const knowsBasic = schemes.length === 0 || schemes.some((scheme) => scheme.toLowerCase() === "basic");
  if (!knowsBasic) {
    return failed(
      `the proxy ${name} wants authentication that Drawbridge does not speak (${offered})`,
      "Drawbridge speaks Basic only: ask whoever runs the proxy for that, or for an exception for the provider's address.",
    );
  }
  if (proxy.credentials !== undefined) {
    return failed(
      `the proxy ${name} does not accept the user and password (${offered})`,
      "Correct them: see `drawbridge tenant network --help` or `drawbridge operator network --help`, or the variable that names the proxy.",
    );
  }
  return failed(
    `the proxy ${name} wants a user and a password (${offered})`,
    "Name the proxy as http://USER@HOST:PORT and give the password: see `drawbridge tenant network --help` or `drawbridge operator network --help`.",
  );
}

function failed(message: string, remedy: string): DrawbridgeError {
  return new DrawbridgeError("dial-failed", message, { remedy });
}

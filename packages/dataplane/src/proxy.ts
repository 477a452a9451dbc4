import { formatAddress, parseAddress, type Address } from "./address.ts";
import { DrawbridgeError } from "./errors.ts";

/** An HTTP proxy that tunnels TCP by the method CONNECT. */
export interface Proxy {
  readonly address: Address;
  /** Whether the proxy itself is spoken to over TLS (`https://`). */
  readonly secure: boolean;
  /** For Basic authentication. The password is a secret. */
  readonly credentials?: { readonly user: string; readonly password: string };
}

/** RFC 7617 has no longer ones in mind, and a request's head must stay small. */
const MAX_CREDENTIAL_LENGTH = 255;

/**
 * Reads a proxy's URL: `http://[user[:password]@]host[:port]`, or `https://` for a proxy that speaks TLS; without a scheme
 * `http` is meant. User and password are percent-encoded. The port is 80 for `http` and 443 for `https` unless named.
 *
 * No error repeats the text, which may hold a password.
 *
 * @param source where the text comes from, for the error's text
 * @throws DrawbridgeError `invalid-argument`
 */
export function parseProxy(text: string, source: string): Proxy {
  const [, scheme = "http", rest = ""] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const kind = scheme.toLowerCase();
  if (kind !== "http" && kind !== "https") throw invalid(source, `${kind} proxies are not supported`);
  const authority = rest.replace(/[/?#].*$/s, "");
  const at = authority.lastIndexOf("@");
  const credentials = at < 0 ? undefined : parseCredentials(authority.slice(0, at), source);
  const secure = kind === "https";
  try {
    const address = parseAddress(authority.slice(at + 1), { defaultPort: secure ? 443 : 80 });
    if (address.port === 0) throw new Error("port 0");
    return { address, secure, ...(credentials && { credentials }) };
  } catch {
    throw invalid(source, "it is not the URL of a proxy");
  }
}

function parseCredentials(text: string, source: string): { user: string; password: string } {
  const colon = text.indexOf(":");
  const [user, password] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  try {
    const credentials = { user: decodeURIComponent(user), password: decodeURIComponent(password) };
    if (isCredential(credentials.user, false) && isCredential(credentials.password, true)) return credentials;
  } catch {
    // Told below, without the text.
  }
  throw invalid(source, "its user or password is not written as in a URL (percent-encoded, at most 255 characters)");
}

/** A colon ends the user, and control characters could end the header (RFC 7617, section 2). */
function isCredential(text: string, mayHoldColon: boolean): boolean {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (text.length > MAX_CREDENTIAL_LENGTH || /[\u0000-\u001f\u007f]/.test(text)) return false;
  return mayHoldColon || (text !== "" && !text.includes(":"));
}

/** A proxy's URL for people and logs: without user and password. */
export function formatProxy({ address, secure }: Proxy): string {
  return `${secure ? "https" : "http"}://${formatAddress(address)}`;
}

/** A proxy's URL with user and password, as {@link parseProxy} reads it. A secret. */
export function formatProxyWithCredentials(proxy: Proxy): string {
  const { credentials } = proxy;
  if (credentials === undefined) return formatProxy(proxy);
  const { user, password } = credentials;
  const userinfo =
    password === "" ? encodeURIComponent(user) : `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return formatProxy(proxy).replace("://", () => `://${userinfo}@`);
}

function invalid(source: string, problem: string): DrawbridgeError {
  return new DrawbridgeError("invalid-argument", `the proxy of ${source} cannot be used: ${problem}`, {
    remedy: "Write http://HOST:PORT, or http://USER@HOST:PORT for a proxy that wants a password; none switches it off.",
  });
}

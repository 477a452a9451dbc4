import type { Socket } from "node:net";
import { DrawbridgeError } from "./errors.ts";
import { fromNodeError } from "./node-error.ts";

/** What a proxy answered to CONNECT. */
export interface HttpAnswer {
  /** The status code, 100 to 599. */
  readonly status: number;
  /** The authentication schemes of its `Proxy-Authenticate` fields. */
  readonly schemes: readonly string[];
}

/** The most bytes that an answer's head may have. */
export const MAX_ANSWER_BYTES = 16 * 1024;

const MAX_SCHEMES = 8;
const HEAD_END = "\r\n\r\n";
/** What every HTTP/1 answer begins with. */
const BEGINNING = "HTTP/1.";

/**
 * Reads the head of an HTTP/1 answer (RFC 9112, section 2.1), at most {@link MAX_ANSWER_BYTES}. Bytes behind it are put
 * back. Keeps no listener when it is done or the signal fires, and does not close the socket.
 *
 * @param proxy its URL, for the errors' texts
 * @param signal ends the reading; the promise then never settles
 * @throws DrawbridgeError `dial-failed`, when what came is no such head, or the connection ended before
 */
export function readHttpAnswer(socket: Socket, proxy: string, signal: AbortSignal): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  let received: Buffer = Buffer.alloc(0);
  const settle = (): void => {
    socket.off("readable", onReadable).off("end", onGone).off("close", onGone).off("error", onError);
    signal.removeEventListener("abort", settle);
  };
  const fail = (error: DrawbridgeError): void => {
    settle();
    reject(error);
  };
  const onError = (error: Error): void => fail(fromNodeError(error, `the proxy ${proxy}`, "dial"));
  const onGone = (): void => fail(closed(proxy));
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = Buffer.concat([received, chunk]);
    const start = received.subarray(0, BEGINNING.length).toString("latin1");
    const end = received.subarray(0, MAX_ANSWER_BYTES).indexOf(HEAD_END);
    if (!BEGINNING.startsWith(start) || (end < 0 && received.length >= MAX_ANSWER_BYTES)) return fail(noProxy(proxy));
    if (end < 0) return;
    const answer = parseHead(received.subarray(0, end).toString("latin1"));
    if (answer === undefined) return fail(noProxy(proxy));
    settle();
    if (received.length > end + HEAD_END.length) socket.unshift(received.subarray(end + HEAD_END.length));
    resolve(answer);
  };
  signal.addEventListener("abort", settle);
  socket.on("readable", onReadable).on("end", onGone).on("close", onGone).on("error", onError);
  if (socket.destroyed) onGone();
  return promise;
}

function parseHead(head: string): HttpAnswer | undefined {
  const [first = "", ...fields] = head.split("\r\n");
  const status = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return undefined;
  return { status: Number(status), schemes: [...new Set(fields.flatMap(schemesOf))].slice(0, MAX_SCHEMES) };
}

/** The schemes of a field; one field may hold several (RFC 9110, section 11.6.1). */
function schemesOf(field: string): string[] {
  const value = /^proxy-authenticate:(.*)$/i.exec(field)?.[1]?.replaceAll(/"[^"]*"/g, "");
  if (value === undefined) return [];
  return value.split(",").flatMap((part) => /^\s*([a-z0-9-]{1,32})(?:\s.*)?$/i.exec(part)?.[1] ?? []);
}

function noProxy(proxy: string): DrawbridgeError {
  return new DrawbridgeError("dial-failed", `what answers at ${proxy} is not an HTTP proxy`, {
    remedy: "Check the proxy's host and port: another service may be listening there.",
  });
}

function closed(proxy: string): DrawbridgeError {
  return new DrawbridgeError("dial-failed", `the proxy ${proxy} closed the connection without an answer`, {
    remedy: "See the proxy's log: it may admit only some machines, or be out of order.",
  });
}

import type { Duplex } from "node:stream";
import { abortError, DrawbridgeError } from "@drawbridge/dataplane";
import { withinTime } from "../within-time.ts";
import { encodeConnectionRequest } from "./connection-request.ts";
import { ConnectionConfirmReader, type RdpAnswer } from "./connection-confirm.ts";
import { readServerCertificate, type ServerCertificate } from "./server-certificate.ts";
import { type SecurityProtocol, startsTls } from "./security-protocol.ts";

/** What is asked of a server. */
export interface ProbeOptions {
  /** The protocols that are offered to it. Default: TLS and both kinds of NLA, as clients do. */
  readonly protocols?: readonly SecurityProtocol[];
  /** Whether TLS is begun, where it comes next, to see the server's certificate. Default false. */
  readonly wantsCertificate?: boolean;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** What a server that was asked said. */
export type ProbeResult =
  | {
      readonly kind: "rdp";
      readonly answer: RdpAnswer;
      /** Undefined where it was not wanted, TLS does not come next, or failed. */
      readonly certificate: ServerCertificate | undefined;
    }
  /** It speaks another protocol; `seen` is how its answer began, not empty, at most 256 bytes. */
  | { readonly kind: "not-rdp"; readonly seen: Buffer }
  /** It closed the connection without a word. */
  | { readonly kind: "closed" };

const USUAL: readonly SecurityProtocol[] = ["tls", "nla", "nla-ex"];

const ignoreError = (): void => {};

/**
 * Asks whether an RDP server is at the other end of a connection, as an RDP client begins ([MS-RDPBCGR] 1.3.1.1). Nothing
 * secret is sent, nobody logs on. Takes the connection over and destroys it.
 *
 * Errors: the signal's reason, and nothing else. A server that says nothing is waited for until then.
 */
export async function probeRdp(connection: Duplex, options: ProbeOptions): Promise<ProbeResult> {
  const { protocols = USUAL, wantsCertificate = false, signal } = options;
  // For its whole life: what fails late is nobody's error.
  connection.on("error", ignoreError);
  const onAbort = (): void => void connection.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    refuseAborted(signal);
    connection.write(encodeConnectionRequest(protocols));
    const said = await readAnswer(connection);
    refuseAborted(signal);
    if (said.kind !== "rdp" || !wantsCertificate) return said;
    const { answer } = said;
    if (answer.kind !== "selected" || !startsTls(answer.protocol)) return said;
    const certificate = await readServerCertificate(connection, signal);
    refuseAborted(signal);
    return { ...said, certificate };
  } finally {
    signal.removeEventListener("abort", onAbort);
    connection.destroy();
  }
}

function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

/** Reads until the answer is whole; what comes after it stays in the connection. */
function readAnswer(connection: Duplex): Promise<ProbeResult> {
  const reader = new ConnectionConfirmReader();
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const onReadable = (): void => {
    for (let chunk = read(connection); chunk !== undefined; chunk = read(connection)) {
      const progress = reader.push(chunk);
      if (progress.state === "incomplete") continue;
      if (progress.state === "not-rdp") return resolve({ kind: "not-rdp", seen: progress.seen });
      if (progress.rest.length > 0) connection.unshift(progress.rest);
      return resolve({ kind: "rdp", answer: progress.answer, certificate: undefined });
    }
  };
  const onOver = (): void => resolve(reader.isEmpty ? { kind: "closed" } : { kind: "not-rdp", seen: reader.received });
  connection.on("readable", onReadable).on("end", onOver).on("close", onOver);
  if (connection.destroyed) onOver();
  return promise.finally(() => connection.off("readable", onReadable).off("end", onOver).off("close", onOver));
}

const read = (connection: Duplex): Buffer | undefined => (connection.read() as Buffer | null) ?? undefined;

/** As {@link probeRdp}, with a limit of its own. Errors: `handshake-timeout` where the server says nothing in time. */
export async function probeRdpWithin(
  connection: Duplex,
  timeoutMs: number,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const late = new DrawbridgeError("handshake-timeout", `it took the connection and said nothing for ${timeoutMs} ms`);
  return withinTime(timeoutMs, late, options.signal, (signal) => probeRdp(connection, { ...options, signal }));
}

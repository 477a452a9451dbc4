import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";

/** An RDP server's certificate, as it showed it; nobody vouches for it here. */
export interface ServerCertificate {
  /** The certificate itself. */
  readonly pem: string;
  /** SHA-256 of the whole certificate: lower-case hex with colons, as FreeRDP shows it. */
  readonly fingerprint: string;
  /** The subject's common name, or the first name that it is for; empty where it has none. */
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

const ignoreError = (): void => {};

/**
 * Begins TLS as a client, to see the server's certificate, and goes no further. Old servers and weak certificates are
 * accepted: nothing is sent that would need protection.
 *
 * @returns undefined where the handshake fails, and when the signal fires
 */
export async function readServerCertificate(
  connection: Duplex,
  signal: AbortSignal,
): Promise<ServerCertificate | undefined> {
  const tls = connect({
    socket: connection,
    rejectUnauthorized: false,
    minVersion: "TLSv1",
    ciphers: "DEFAULT@SECLEVEL=0",
  });
  tls.on("error", ignoreError);
  try {
    await handshake(tls, signal);
    const certificate = tls.getPeerX509Certificate();
    return certificate && factsOf(certificate);
  } catch {
    return undefined;
  } finally {
    tls.destroy();
  }
}

function handshake(tls: TLSSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (): void => reject(new Error("the TLS handshake failed"));
  tls.once("secureConnect", resolve).once("error", failed).once("close", failed);
  signal.addEventListener("abort", failed, { once: true });
  if (signal.aborted) failed();
  return promise.finally(() => signal.removeEventListener("abort", failed));
}

function factsOf(certificate: X509Certificate): ServerCertificate {
  const subject = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  const first = /^DNS:([^,]*)/.exec(certificate.subjectAltName ?? "")?.[1];
  return {
    pem: certificate.toString(),
    fingerprint: certificate.fingerprint256.toLowerCase(),
    name: subject ?? first ?? "",
    notAfter: certificate.validToDate.getTime(),
  };
}

/** A certificate as `--json` prints it. */
export const certificateRecord = ({ fingerprint, name, notAfter }: ServerCertificate): object => ({
  fingerprint,
  name,
  expires: new Date(notAfter).toISOString(),
});

import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { connect } from "node:tls";
import { DrawbridgeError, nodeErrorCode } from "@drawbridge/dataplane";
import { CLOUD_SERVER_NAME } from "../identity/index.ts";

/** What OpenSSL calls a certificate that is good at another time. */
const WRONG_TIME = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);

const HANDSHAKE_MS = 3_000;

/**
 * Says plainly what stands behind a handshake that failed because of the time: what this machine's clock says, and when
 * the server's certificate is good. For that the server is dialled once more; nothing is sent or trusted on that connection.
 *
 * @param error what the handshake failed with; undefined is returned for any other failure.
 * @param dial dials the server again.
 */
export async function clockFailure(
  error: unknown,
  address: string,
  dial: () => Promise<Socket>,
): Promise<DrawbridgeError | undefined> {
  if (!WRONG_TIME.has(nodeErrorCode(error) ?? "")) return undefined;
  const certificate = await dial()
    .then(shownCertificate)
    .catch(() => undefined);
  const { validFromDate: from, validToDate: to } = certificate ?? {};
  const good = from === undefined || to === undefined ? "at another time" : `from ${iso(from)} to ${iso(to)}`;
  const message = `this machine's clock says ${iso(new Date())}, but the certificate of the cloud redirector at ${address} is good ${good}`;
  return new DrawbridgeError("unavailable", message, {
    remedy:
      "Set this machine's clock right. If it is right, tell the provider: its server's clock or certificate is not.",
    cause: error,
  });
}

const iso = (date: Date): string => date.toISOString();

/** The certificate that a server shows, unverified: good for a text, and for nothing else. */
async function shownCertificate(socket: Socket): Promise<X509Certificate | undefined> {
  const { promise, resolve } = Promise.withResolvers<X509Certificate | undefined>();
  const tls = connect({
    socket,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["h2"],
    servername: CLOUD_SERVER_NAME,
    rejectUnauthorized: false,
  });
  const failed = (): void => resolve(undefined);
  tls.once("secureConnect", () => resolve(tls.getPeerX509Certificate()));
  // For its whole life: a late error must not end the process.
  tls.on("error", failed).once("close", failed).setTimeout(HANDSHAKE_MS, failed);
  try {
    return await promise;
  } finally {
    tls.destroy();
    socket.destroy();
  }
}

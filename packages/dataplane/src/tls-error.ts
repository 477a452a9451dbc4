import type { TLSSocket } from "node:tls";
import { DrawbridgeError } from "./errors.ts";
import { nodeErrorCode } from "./node-error.ts";

/** Alerts and local findings that are about a certificate, by the names that OpenSSL gives them. */
const CERTIFICATE_TROUBLE = /CERT|UNKNOWN_CA|PEER_DID_NOT_RETURN/;

/** What OpenSSL calls a certificate that is good at another time. */
const WRONG_TIME = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]);

/**
 * Translates an error of a TLS handshake.
 *
 * @param peer who is at the other end, for example `the tenant redirector`
 * @param stream the TLS stream, if there is one: it knows why a certificate was not accepted
 */
export function fromTlsError(error: unknown, peer: string, stream?: TLSSocket): DrawbridgeError {
  if (error instanceof DrawbridgeError) return error;
  // Declared as an Error, but Node sets OpenSSL's code as a text; null before the chain was looked at.
  const verdict = stream?.authorizationError as unknown;
  if (typeof verdict === "string") {
    const isTime = WRONG_TIME.has(verdict);
    const what = isTime ? `at this time: this machine's clock says ${new Date().toISOString()}` : "here";
    return new DrawbridgeError(
      "certificate-invalid",
      `${peer} showed a certificate that is not valid ${what} (${verdict})`,
      {
        remedy: isTime
          ? "Set this machine's clock right, or the other one's."
          : "Check that both ends are enrolled with the same provider, and this machine's clock.",
        cause: error,
      },
    );
  }
  const code = nodeErrorCode(error) ?? "";
  if (!code.startsWith("ERR_SSL")) {
    return new DrawbridgeError("closed", `${peer} closed the connection during the end-to-end handshake`, {
      cause: error,
    });
  }
  if (CERTIFICATE_TROUBLE.test(code)) {
    return new DrawbridgeError(
      "certificate-invalid",
      `${peer} and this end do not accept each other's certificate (${code})`,
      {
        remedy: "Check that both ends are enrolled with the same provider, and their clocks.",
        cause: error,
      },
    );
  }
  return new DrawbridgeError("protocol-violation", `the end-to-end handshake with ${peer} failed (${code})`, {
    cause: error,
  });
}

import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import type { Reach } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress, parseAddress } from "@drawbridge/dataplane";
import { certificateFingerprint, CLOUD_SERVER_NAME } from "../identity/index.ts";

const HANDSHAKE_MS = 10_000;
/** Longer chains than this are nobody's. */
const MAX_CHAIN = 8;

/**
 * Fetches the provider's CA certificate from a cloud redirector and checks it against the fingerprint of an invite code.
 * Nothing secret is sent. Returns the certificate in DER.
 *
 * Errors: `dial-failed`, `unavailable` where the server does not speak TLS 1.3, `certificate-invalid` where none of its
 * certificates has the fingerprint.
 */
export async function fetchProviderAuthority(
  address: string,
  fingerprint: Uint8Array,
  reach: Reach,
  signal?: AbortSignal,
): Promise<Buffer> {
  const socket = await reach.dial(parseAddress(address), { timeoutMs: HANDSHAKE_MS, ...(signal && { signal }) });
  const tls = connect({
    socket,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["h2"],
    servername: CLOUD_SERVER_NAME,
    // The chain is judged by its CA's fingerprint, below; the call that follows verifies it in full.
    rejectUnauthorized: false,
  });
  // For its whole life: a late error of a connection that was judged already must not end the process.
  tls.on("error", () => {});
  try {
    await secured(tls, address, signal);
    const authority = chainOf(tls).find((der) => certificateFingerprint(der).equals(fingerprint));
    if (authority !== undefined) return authority;
    throw new DrawbridgeError(
      "certificate-invalid",
      `the server at ${address} is not the provider that made this code`,
      {
        remedy: "Check with the provider; somebody may be in between.",
      },
    );
  } finally {
    tls.destroy();
    socket.destroy();
  }
}

async function secured(tls: TLSSocket, address: string, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const shown = formatAddress(parseAddress(address));
  const failed = (cause?: unknown): void =>
    reject(
      new DrawbridgeError("unavailable", `the server at ${shown} does not speak Drawbridge's protocol`, {
        remedy: "Check the address and the port: another service may be listening there.",
        cause,
      }),
    );
  const aborted = (): void => reject(new DrawbridgeError("cancelled", "enrolment was cancelled"));
  tls.once("secureConnect", resolve).once("error", failed).once("close", failed);
  tls.setTimeout(HANDSHAKE_MS, failed);
  signal?.addEventListener("abort", aborted, { once: true });
  try {
    await promise;
  } finally {
    signal?.removeEventListener("abort", aborted);
    tls.off("close", failed);
  }
}

function chainOf(tls: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  let next: X509Certificate | undefined = tls.getPeerX509Certificate();
  while (next !== undefined && chain.length < MAX_CHAIN) {
    chain.push(next.raw);
    const issuer: X509Certificate | undefined = next.issuerCertificate;
    next = issuer?.raw.equals(next.raw) === true ? undefined : issuer;
  }
  return chain;
}

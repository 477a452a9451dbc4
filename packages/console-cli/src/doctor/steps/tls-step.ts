import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { CLOUD_SERVER_NAME, verifyIssued } from "@drawbridge/control/identity";
import { abortError, DrawbridgeError, nodeErrorCode } from "@drawbridge/dataplane";
import type { Step } from "../step.ts";
import { isOverdue, validityText, type Validity } from "./validity.ts";

/** How the provider's server is to be known. */
export interface ServerTrust {
  /** The provider's name. */
  readonly provider: string;
  /** The CAs of the provider, PEM. */
  readonly certificateAuthorities: readonly string[];
  /** The time of day, in milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** Makes TLS with whatever a gateway's address leads to, and says whose certificate it has. */
export function tlsStep(trust: ServerTrust, subject: string | undefined): Step<Socket, void> {
  return {
    id: "tls",
    title: "TLS",
    ...(subject !== undefined && { subject }),
    timeoutMs: 10_000,
    async check(socket, signal) {
      const tls = await handshake(socket, signal);
      try {
        return judge(tls, trust);
      } finally {
        tls.destroy();
      }
    },
  };
}

function judge(tls: TLSSocket, { provider, certificateAuthorities, now }: ServerTrust) {
  const leaf = tls.getPeerX509Certificate();
  if (leaf === undefined) throw notOurs("the server showed no certificate");
  verify(leaf, certificateAuthorities, now());
  if (tls.alpnProtocol !== "h2") throw notOurs("the server does not speak HTTP/2");
  const validity = validityOf(leaf);
  const text = `${tls.getProtocol() ?? "TLS"}; certificate of ${provider}'s CA for ${CLOUD_SERVER_NAME}, ${validityText(validity, now())}`;
  const details = { protocol: tls.getProtocol(), certificateExpires: new Date(validity.notAfter).toISOString() };
  if (!isOverdue(validity, now())) return { outcome: "ok", text, details, value: undefined } as const;
  const remedy = "The provider's server should have renewed it: see the log of `drawbridge cloud run`.";
  return { outcome: "warning", text, remedy, details, value: undefined } as const;
}

/** Chain, time and name, in the order in which they tell most about what is wrong. */
function verify(leaf: X509Certificate, authorities: readonly string[], now: number): void {
  const trusted = authorities.map((pem) => new X509Certificate(pem));
  if (!trusted.some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey))) {
    throw notOurs(`the server is not the provider's: its certificate comes from ${nameIn(leaf.issuer)}`);
  }
  const { notBefore, notAfter } = validityOf(leaf);
  if (now < notBefore || now > notAfter) {
    const message = `the server's certificate is not good now: ${validityText({ notBefore, notAfter }, now)}`;
    const remedy = `This machine's clock says ${new Date(now).toISOString()}: check it first, then the server's.`;
    throw new DrawbridgeError("certificate-invalid", message, { remedy });
  }
  const caDers = trusted.map(({ raw }) => raw);
  verifyIssued(leaf.raw, caDers, { usage: "server", now });
  if (leaf.checkHost(CLOUD_SERVER_NAME) === undefined) {
    throw notOurs(`the server's certificate is for ${nameIn(leaf.subject)}, not for a cloud redirector`);
  }
}

function notOurs(what: string): DrawbridgeError {
  return new DrawbridgeError("certificate-invalid", what, {
    remedy:
      "Check the address and port. A firewall that opens TLS to look inside shows a certificate of its own: it has to " +
      "leave this connection alone. If the provider made a new CA, enrol again with a new invite code.",
  });
}

const nameIn = (distinguished: string): string => `"${/^(?:CN|O)=(.*)$/m.exec(distinguished)?.[1] ?? distinguished}"`;

const validityOf = ({ validFromDate, validToDate }: X509Certificate): Validity => ({
  notBefore: validFromDate.getTime(),
  notAfter: validToDate.getTime(),
});

async function handshake(socket: Socket, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // The certificate is judged afterwards, to say in full what is wrong with it.
  const tls = connect({
    socket,
    servername: CLOUD_SERVER_NAME,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.3",
    rejectUnauthorized: false,
  });
  const onClose = (): void => reject(notTls(undefined));
  const onError = (error: Error): void => reject(notTls(error));
  const onAbort = (): void => reject(abortError(signal));
  tls
    .on("error", () => {})
    .once("secureConnect", resolve)
    .once("error", onError)
    .once("close", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await promise;
    return tls;
  } catch (error) {
    tls.destroy();
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    tls.off("error", onError).off("close", onClose);
  }
}

function notTls(cause: Error | undefined): DrawbridgeError {
  const code = nodeErrorCode(cause) ?? "";
  if (code === "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" || code === "ERR_SSL_UNSUPPORTED_PROTOCOL") {
    return new DrawbridgeError("unavailable", "the server does not speak TLS 1.3", {
      remedy: "Check the address and port; or something on the way speaks TLS in the server's place.",
      cause,
    });
  }
  if (code.startsWith("ERR_SSL")) {
    return new DrawbridgeError("unavailable", "something answers there that does not speak TLS", {
      remedy: "Check the port: another service is listening there.",
      cause,
    });
  }
  return new DrawbridgeError("unavailable", "the connection was closed during the TLS handshake", {
    remedy:
      "Check the port: another service may be listening there. Or a gateway has no cloud redirector behind it, or a " +
      "firewall does not let TLS with this server through.",
    cause,
  });
}

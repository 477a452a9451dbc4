import { constants, createHash, X509Certificate } from "node:crypto";
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from "node:tls";

/** Who one end is, and whom it trusts. */
export interface EndToEndIdentity {
  /** This end's private key, PEM. */
  readonly key: string | Buffer;
  /** This end's certificate, PEM, with the chain behind it if there is one. */
  readonly certificate: string | Buffer;
  /** The authorities that the other end's certificate must come from: PEM or DER. */
  readonly certificateAuthorities: readonly (string | Buffer)[];
}

/** The protocol's name in the handshake (ALPN): both ends insist on it. */
export const END_TO_END_ALPN = "drawbridge-e2e/1";

/** Servers that wait for their next handshake. */
const SPARE_SERVERS = 16;

/** What is kept from one handshake to the next of the same identity. */
interface Kept {
  /** Tells whose it is. */
  readonly of: string;
  readonly options: SecureContextOptions;
  client: SecureContext | undefined;
  readonly spareServers: Server[];
}

/** One identity's only: a renewed one replaces the one before. */
let kept: Kept | undefined;

/**
 * Reading a key and certificates takes half as long as a handshake, and is done once for all handshakes of an identity.
 *
 * INVARIANT: nothing else outlives a handshake. Sessions are not resumed: see Decisions in ARCHITECTURE.md.
 */
function keptFor({ key, certificate, certificateAuthorities }: EndToEndIdentity): Kept {
  const hash = createHash("sha256");
  for (const part of [key, certificate, ...certificateAuthorities]) hash.update(part).update("\n\n");
  const of = hash.digest("hex");
  if (kept?.of === of) return kept;
  const options: SecureContextOptions = {
    key,
    cert: certificate,
    ca: certificateAuthorities.map((authority) => new X509Certificate(authority).toString()),
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  return (kept = { of, options, client: undefined, spareServers: [] });
}

/** The context of an end that is the TLS client. */
export function clientContext(identity: EndToEndIdentity): SecureContext {
  const mine = keptFor(identity);
  return (mine.client ??= createSecureContext(mine.options));
}

/** Told how a handshake went. */
export interface AcceptListener {
  secured(stream: TLSSocket): void;
  failed(error: Error, stream: TLSSocket): void;
}

/**
 * A TLS server that never listens, for one handshake: it is Node's only public way to have the client's chain verified.
 * The connection is handed to it as the event `connection`.
 */
export function acceptingServer(identity: EndToEndIdentity, listener: AcceptListener): Server {
  const { options, spareServers } = keptFor(identity);
  const settings = { ...options, ALPNProtocols: [END_TO_END_ALPN], rejectUnauthorized: true, requestCert: true };
  const server = spareServers.pop() ?? createServer(settings);
  const failed = (error: Error, stream: TLSSocket): void => listener.failed(error, stream);
  // One whose handshake fails, or never ends, is not used again: news of it may still come.
  server.once("tlsClientError", failed).once("secureConnection", (stream) => {
    server.off("tlsClientError", failed);
    if (spareServers.length < SPARE_SERVERS) spareServers.push(server);
    listener.secured(stream);
  });
  return server;
}

import { constants, X509Certificate } from "node:crypto";
import { createSecureContext, createServer, type SecureContext, type SecureContextOptions, type Server } from "node:tls";

/** What a handshake's end is, and whom it trusts. */
export interface EndToEndIdentity {
  /** PEM. */
  readonly key: string | Buffer;
  /** PEM. */
  readonly certificate: string | Buffer;
  /** PEM or DER. */
  readonly certificateAuthorities: readonly (string | Buffer)[];
}

/** How many servers wait for their next handshake. */
const SPARE_SERVERS = 16;

/**
 * What is kept from one handshake to the next of the same identity: reading a key and certificates takes as long as half a
 * handshake. Of two identities only the latest is kept, since one replaces the other.
 */
class Kept {
  readonly of: string;
  readonly #options: SecureContextOptions;
  readonly #spare: Server[] = [];
  #client: SecureContext | undefined;

  constructor(of: string, { key, certificate, certificateAuthorities }: EndToEndIdentity) {
    this.of = of;
    this.#options = {
      key,
      cert: certificate,
      ca: certificateAuthorities.map((authority) => new X509Certificate(authority).toString()),
      minVersion: "TLSv1.3",
      maxVersion: "TLSv1.3",
      // INVARIANT: no resumption. See ARCHITECTURE.md, Decisions; whoever offers a session all the same is refused.
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
  }

  client(): SecureContext {
    return (this.#client ??= createSecureContext(this.#options));
  }

  /** A server that never listens: it is Node's only public way to have a client's chain verified. One handshake a time. */
  takeServer(alpn: string): Server {
    const settings = { ...this.#options, ALPNProtocols: [alpn], rejectUnauthorized: true, requestCert: true };
    return this.#spare.pop() ?? createServer(settings);
  }

  giveServer(server: Server): void {
    server.removeAllListeners("secureConnection").removeAllListeners("tlsClientError");
    if (this.#spare.length < SPARE_SERVERS) this.#spare.push(server);
  }
}

let latest: Kept | undefined;

function keptFor(identity: EndToEndIdentity): Kept {
  const of = JSON.stringify([identity.key, identity.certificate, identity.certificateAuthorities].map(String));
  if (latest?.of !== of) latest = new Kept(of, identity);
  return latest;
}

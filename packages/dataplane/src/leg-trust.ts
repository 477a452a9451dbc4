/** How a cloud redirector is known where a leg runs inside of TLS. */
export interface LegTrust {
  /** The name that the server's certificate must hold, whatever address it is reached at. */
  readonly serverName: string;
  /** The CAs of the provider, PEM. Only these are trusted. */
  readonly certificateAuthorities: readonly string[];
}

/** The protocol's name (ALPN) of a leg inside of TLS, on the one public port. */
export const LEG_ALPN = "drawbridge-leg/1";

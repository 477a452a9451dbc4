import type { Address } from "@drawbridge/dataplane";

/** A connection to the loopback listener, as the listener sees it. */
export interface LoopbackConnection {
  /** The connecting end. */
  readonly client: Address;
  /** Our end: the address that was dialled. */
  readonly listener: Address;
}

/** Whose process holds the connecting end of a connection. */
export type SocketOwner =
  /** The user that this process runs as. Nobody else is ever this, root included. */
  | { readonly kind: "own" }
  /** Another user. `owner` names it as the platform does: `uid 1000`, or a SID. */
  | { readonly kind: "other"; readonly owner: string }
  /** The platform does not tell. `why` is a clause for people. To be treated as another user's. */
  | { readonly kind: "unknown"; readonly why: string };

/**
 * Tells whose a connection is. One implementation a platform, all of which answer `own` only when the platform has said
 * so: what they cannot find out is `unknown`.
 */
export interface SocketOwners {
  /**
   * Looks at the connection as it is now, so it has to be open still. Rejects when the signal fires, or when the
   * platform fails; a caller treats that as `unknown`.
   */
  ownerOf(connection: LoopbackConnection, signal: AbortSignal): Promise<SocketOwner>;
}

/** The owner where only its absence is known. */
export const unknownOwner = (why: string): SocketOwner => ({ kind: "unknown", why });

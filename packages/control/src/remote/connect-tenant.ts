import type { Duplex } from "node:stream";
import type { OperatorSession, SessionOptions } from "./operator-session.ts";
import { openSession } from "./operator-session.ts";
import type { RemoteLinkEnd } from "./remote-link.ts";

/** A connection to a tenant's target, in a session of its own. */
export interface TenantConnection extends Duplex {
  /** The session that it is in, which ends with it. */
  readonly session: OperatorSession;
  /** Resolves to why the connection is over, and what went through it. Never rejects. */
  readonly ended: Promise<RemoteLinkEnd>;
  /** Ends connection and session at once. Resolves when all is closed. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a session to a tenant's target and one link in it, as a stream of the target's bytes.
 *
 * Each direction ends alone: `end()` reaches the target as its client's end, and `end` is the target's. A connection that is
 * cut off, by a revocation for example, is destroyed with the reason as a `DrawbridgeError`; a part never passes for the
 * whole. Destroying the stream ends the session, and so does the end of both directions.
 *
 * Errors: those of {@link openSession}; `target-unreachable`.
 *
 * @param options its `links` is 1 unless it says more: no link is made ahead that this connection has no use for. Its
 *   `signal` gives the opening up, and has no effect on a connection that was returned.
 */
export async function connectTenant(options: SessionOptions): Promise<TenantConnection> {
  const session = await openSession({ ...options, links: options.links ?? 1 });
  try {
    const { stream, closed } = await session.openLink(options.signal);
    const ended = closed.finally(() => session.stop());
    return Object.assign(stream, { session, ended, [Symbol.asyncDispose]: () => dispose(stream, session) });
  } catch (error) {
    await session.stop();
    throw error;
  }
}

async function dispose(stream: Duplex, session: OperatorSession): Promise<void> {
  stream.destroy();
  await session.stop();
}

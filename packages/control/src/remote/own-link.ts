import type { Duplex } from "node:stream";
import { abortError, closeReason, closeReasonError, DrawbridgeError } from "@drawbridge/dataplane";
import { programPipe } from "../wire/program-pipe.ts";
import type { RemoteLink, RemoteLinkEnd } from "./remote-link.ts";

/** A link whose end here is this program itself, not a client's connection. */
export interface OwnLink {
  /**
   * The target's bytes, and bytes for it. Allows half-open use; its close ends the link. A link that was cut off destroys
   * it with the reason as a `DrawbridgeError`: only the target's own end looks like an end.
   */
  readonly stream: Duplex;
  /** Resolves when the link is over. Never rejects. */
  readonly closed: Promise<RemoteLinkEnd>;
}

const ignoreError = (): void => {};

/**
 * Waits until bytes can flow through a link of this program's own.
 *
 * Errors: what refused the link; the session's end; the signal's reason, which has no effect on a link that was returned.
 *
 * @param begin makes the link, with this end of it, and tells when it is open
 */
export async function openOwnLink(
  begin: (end: Duplex, onOpen: () => void) => RemoteLink,
  signal: AbortSignal,
): Promise<OwnLink> {
  if (signal.aborted) throw abortError(signal);
  const { near: stream, far: end } = programPipe();
  const opened = Promise.withResolvers<void>();
  const link = begin(end, () => opened.resolve());
  // Whoever uses the stream may listen too; a late error must not end the process.
  stream.on("error", ignoreError);
  stream.once("close", () => {
    // The target has ended, and has all that there was for it: the link ends by itself, and can tell why.
    if (stream.readableEnded && stream.writableLength === 0) return;
    link.destroy(closeReason("closed", "this program closed its end of the link"));
  });
  void link.closed.then(({ reason }) => {
    const error = closeReasonError(reason);
    opened.reject(error);
    if (!stream.writableFinished || !end.writableFinished) stream.destroy(error);
  });
  const onAbort = (): void => {
    const { code, message } = abortError(signal);
    link.destroy(closeReason(code, message));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await opened.promise;
    return { stream, closed: link.closed };
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** For a session that is not open. */
export const noSession = (): DrawbridgeError => new DrawbridgeError("closed", "the session is not open");

import type { Duplex } from "node:stream";
import { abortError, DrawbridgeError } from "@drawbridge/dataplane";

/**
 * Sends bytes there and back between two ends of one connection, and takes the time in milliseconds.
 *
 * Errors: `unavailable` where an end is closed first, `protocol-violation` where other bytes come out, the signal's reason.
 */
export async function pingPong(one: Duplex, other: Duplex, bytes: Buffer, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  await send(one, other, bytes, signal);
  await send(other, one, bytes, signal);
  return performance.now() - startedAt;
}

async function send(from: Duplex, to: Duplex, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let received: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = to.read() as Buffer | null;
    if (chunk === null) return;
    received = Buffer.concat([received, chunk.subarray(0, bytes.length + 1 - received.length)]);
    if (!bytes.subarray(0, received.length).equals(received)) reject(garbled());
    else if (received.length === bytes.length) resolve();
  };
  const onOver = (): void => reject(closedWithoutWord());
  const onAbort = (): void => reject(abortError(signal));
  to.on("readable", onReadable);
  const ends = [from, to];
  for (const end of ends) end.on("end", onOver).on("close", onOver).on("error", onOver);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    else if (ends.some((end) => end.destroyed || end.readableEnded)) onOver();
    else from.write(bytes);
    await promise;
  } finally {
    to.off("readable", onReadable);
    for (const end of ends) end.off("end", onOver).off("close", onOver).off("error", onOver);
    signal.removeEventListener("abort", onAbort);
  }
}

/** What to do where legs do not get through. */
export const LEG_REMEDY =
  "A gateway or a proxy on the way passes TLS on, but not legs. Check that it lets anything through on this port, not " +
  "only TLS or HTTP.";

const closedWithoutWord = (): DrawbridgeError =>
  new DrawbridgeError("unavailable", "a leg was closed without a word", { remedy: LEG_REMEDY });

const garbled = (): DrawbridgeError =>
  new DrawbridgeError("protocol-violation", "other bytes came out of a leg than went in", { remedy: LEG_REMEDY });

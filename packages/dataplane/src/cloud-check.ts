import { once } from "node:events";
import type { Socket } from "node:net";
import { formatAddress, type Address } from "./address.ts";
import type { Clock } from "./clock.ts";
import { dial } from "./dial.ts";
import { abortError, DrawbridgeError } from "./errors.ts";
import type { GatewayNote } from "./gateway-note.ts";
import { encodeProxyHeader } from "./proxy-protocol.ts";

/** How {@link checkCloud} checks. */
export interface CloudCheckOptions {
  /** For the whole check, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** What the gateway says of itself by the way. Default: nothing. */
  readonly note?: GatewayNote;
}

/**
 * A TLS record with a handshake message that no client may send (hello_request), which every TLS server answers with an
 * alert. Sources: RFC 5246, 7.4.1.1; RFC 8446, 4 and 6.2.
 */
const WRONG_HANDSHAKE = Buffer.from("160301000400000000", "hex");

/**
 * Finds out whether a cloud redirector serves this gateway. That it accepts a connection says little: the system does
 * that for a process that hangs, and a cloud redirector closes a gateway's connections that it does not trust. So the
 * check sends what needs no key and still gets an answer.
 *
 * @throws DrawbridgeError `dial-failed`, `unavailable` when nothing comes, `permission-denied` when it closes the
 * connection without a word; `cancelled`
 */
export async function checkCloud(address: Address, options: CloudCheckOptions): Promise<void> {
  const { timeoutMs, signal, clock } = options;
  const begun = clock.now();
  const socket = await dial(address, { timeoutMs, signal, clock });
  try {
    socket.write(Buffer.concat([encodeProxyHeader(undefined, options.note), WRONG_HANDSHAKE]));
    const leftMs = Math.max(1, timeoutMs - (clock.now() - begun));
    if (!(await answers(socket, { timeoutMs: leftMs, signal, clock }))) throw refused(address);
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (error instanceof DrawbridgeError) throw error;
    throw silent(address, timeoutMs);
  } finally {
    socket.destroy();
  }
}

/** Whether a byte comes before the end. Throws when neither comes in time. */
async function answers(socket: Socket, { timeoutMs, signal, clock }: CloudCheckOptions): Promise<boolean> {
  const over = new AbortController();
  const giveUp = (): void => over.abort();
  const timer = clock.setTimer(timeoutMs, giveUp);
  signal.addEventListener("abort", giveUp);
  try {
    await Promise.race(["data", "end", "close"].map((event) => once(socket, event, { signal: over.signal })));
    return socket.bytesRead > 0;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", giveUp);
    giveUp();
  }
}

function silent(address: Address, timeoutMs: number): DrawbridgeError {
  return new DrawbridgeError("unavailable", `${formatAddress(address)} did not answer within ${timeoutMs} ms`, {
    remedy: "Look whether the cloud redirector hangs.",
  });
}

function refused(address: Address): DrawbridgeError {
  const what = `${formatAddress(address)} closes this gateway's connections without a word`;
  return new DrawbridgeError("permission-denied", what, {
    remedy: "Put this gateway's address into trustedGateways in the cloud redirector's settings.json, and restart it.",
  });
}

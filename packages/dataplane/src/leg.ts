import type { Socket } from "node:net";
import type { Address } from "./address.ts";
import { dial, type DialOptions } from "./dial.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import { encodePreface } from "./preface.ts";

/**
 * Dials a rendezvous and sends the preface. The leg that it returns is a plain pipe, which may be written to at once;
 * whether it was accepted is not answered: a refused leg is closed without a word.
 *
 * @throws DrawbridgeError as {@link dial} does
 */
export async function dialLeg(address: Address, token: HandshakeToken, options: DialOptions = {}): Promise<Socket> {
  return beginLeg(await dial(address, options), token);
}

/** Makes a connection to a rendezvous a leg: sends the preface. */
export function beginLeg(socket: Socket, token: HandshakeToken): Socket {
  socket.write(encodePreface(token));
  return socket;
}

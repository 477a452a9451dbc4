import type { Socket } from "node:net";
import type { Address } from "./address.ts";
import { dial, type DialOptions } from "./dial.ts";
import type { HandshakeToken } from "./handshake-token.ts";
import { dialLeg } from "./leg.ts";

/** How this machine gets out to the provider. One for a process: what it learns on one connection helps the next. */
export class Reach {
  /** As {@link dial}. */
  dial(address: Address, options: DialOptions = {}): Promise<Socket> {
    return dial(address, options);
  }

  /** As {@link dialLeg}. */
  dialLeg(address: Address, token: HandshakeToken, options: DialOptions = {}): Promise<Socket> {
    return dialLeg(address, token, options);
  }
}

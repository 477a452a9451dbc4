import { createHash } from "node:crypto";
import type { Address } from "@drawbridge/dataplane";

/** What a stable address belongs to. */
export interface StableAddressOwner {
  readonly provider: string;
  readonly tenant: string;
  readonly target: string;
}

/** An address of its own for one target of one tenant. */
export interface StableLoopbackAddress {
  /** 127.a.b.c, where a is neither 0 (127.0.x.y has other uses) nor 255, and c neither 0 nor 255. */
  readonly host: string;
  /** 20,000 to 29,999: below the ports that systems hand out by themselves. */
  readonly alternativePort: number;
}

/** Where to listen: `listen` first, then the others in turn. */
export interface ListenAddresses {
  readonly listen: Address;
  readonly listenElse: readonly Address[];
}

const RDP_PORT = 3389;
const LOCALHOST = "127.0.0.1";
// Part of the recipe: whoever changes it moves every operator's saved credentials.
const LABEL = "drawbridge stable loopback address 1";

/**
 * The address of a tenant's target: the same today and tomorrow, on every machine, without anything being kept. It is cut
 * from a SHA-256, and there are 16 million, so that among 500 targets two share one with a chance of 1 in 130.
 */
export function stableLoopbackAddress({ provider, tenant, target }: StableAddressOwner): StableLoopbackAddress {
  const hash = createHash("sha256")
    .update(JSON.stringify([LABEL, provider, tenant, target]))
    .digest();
  const within = (offset: number, low: number, high: number): number =>
    low + (hash.readUInt32BE(offset) % (high - low + 1));
  return {
    host: `127.${within(0, 1, 254)}.${within(4, 0, 255)}.${within(8, 1, 254)}`,
    alternativePort: within(12, 20_000, 29_999),
  };
}

/**
 * Where a session to a target listens when nobody says, best first.
 *
 * RDP clients remember by address. mstsc keeps credentials (`TERMSRV/127.a.b.c`) and accepted certificates by host alone;
 * FreeRDP, and Remmina through it, keep certificates by host and port. So the host is the target's own, and the port is one
 * of two that stay: 3389, which need not be typed and is free on an address that nobody else uses, unless a server of
 * this machine has it on every address; then the alternative, which a second session at the same time gets too. A third
 * takes any port. Where 127.a.b.c cannot be listened on (macOS has 127.0.0.1 only, unless given more by
 * `ifconfig lo0 alias`), or where the client cannot reach it, there is 127.0.0.1 with the alternative port.
 *
 * Another user of the machine may take an address before we do. That only leads to the next one.
 *
 * @param onlyLocalhost leaves out 127.a.b.c, for a client that reaches nothing but 127.0.0.1: mstsc from inside WSL
 */
export function stableListenAddresses(owner: StableAddressOwner, onlyLocalhost = false): ListenAddresses {
  const { host, alternativePort } = stableLoopbackAddress(owner);
  const [preferred, ...others] = [RDP_PORT, alternativePort, 0].map((port) => ({ host, port }));
  const local = { host: LOCALHOST, port: alternativePort };
  const last = { host: LOCALHOST, port: 0 };
  if (onlyLocalhost || preferred === undefined) return { listen: local, listenElse: [last] };
  return { listen: preferred, listenElse: [...others, local, last] };
}

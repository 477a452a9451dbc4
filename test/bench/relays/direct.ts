import { pathsTo, type BackendPorts, type Relay } from "./relay.ts";

/** Its name in the tables. */
export const DIRECT = "none (direct)";

/** No relay at all: what the machine and the traffic processes can do. */
export function direct(backends: BackendPorts): Relay {
  return {
    name: DIRECT,
    pid: undefined,
    open: (use, count) => Promise.resolve(pathsTo(backends[use], count)),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

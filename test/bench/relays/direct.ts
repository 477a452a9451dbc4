import { pathsTo, type BackendPorts, type Relay } from "./relay.ts";

/** No relay at all: what the machine and the traffic processes can do. */
export function direct(backends: BackendPorts): Relay {
  return {
    name: "none (direct)",
    pid: undefined,
    open: (use, count) => Promise.resolve(pathsTo(backends[use], count)),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

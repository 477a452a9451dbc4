import { startSplicingHaproxy } from "./haproxy.ts";
import type { BackendPorts, Relay } from "./relay.ts";

/** As many processes as a link of ours passes. */
const PROXIES = 3;

/** Its name in the tables. */
export const IN_A_ROW = `HAProxy, ${PROXIES} in a row, no encryption`;

/** Plain proxies one behind the other: what so many hops cost when each does as little as can be. */
export async function startProxiesInARow(backends: BackendPorts): Promise<Relay> {
  const stack = new AsyncDisposableStack();
  try {
    let last = stack.use(await startSplicingHaproxy(backends));
    for (let count = 1; count < PROXIES; count += 1) {
      last = stack.use(await startSplicingHaproxy(await portsOf(last)));
    }
    const proxy = last;
    return {
      name: IN_A_ROW,
      pid: undefined,
      open: (use, count) => proxy.open(use, count),
      close: () => proxy.close(),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function portsOf(relay: Relay): Promise<BackendPorts> {
  const port = async (use: keyof BackendPorts): Promise<number> => (await relay.open(use, 1))[0]?.client.port ?? 0;
  return { send: await port("send"), receive: await port("receive"), echo: await port("echo") };
}

import { openWatchServer, type WatchServerOptions } from "@drawbridge/control/watching";
import { type Address, formatAddress } from "@drawbridge/dataplane";

/** What is said of `--metrics` in the help. */
export const METRICS_HELP =
  "serve /metrics (for Prometheus), /livez and /readyz there, over plain HTTP and to whoever can connect: use loopback " +
  "or a network of your own";

/** Where a process is watched. */
export interface Watch extends AsyncDisposable {
  /** `host:port`; undefined: nowhere. */
  readonly address: string | undefined;
}

const NOWHERE: Watch = { address: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };

/**
 * Lets a process be watched, until it is disposed of.
 *
 * Errors: `address-in-use` and what else listening can meet.
 *
 * @param listen where; undefined: nowhere
 */
export async function startWatch(listen: Address | undefined, options: WatchServerOptions | undefined): Promise<Watch> {
  if (listen === undefined || options === undefined) return NOWHERE;
  const server = await openWatchServer(options);
  const address = formatAddress(await server.listen(listen));
  return { address, [Symbol.asyncDispose]: () => server.close() };
}

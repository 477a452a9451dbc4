import type { WatchServer, WatchServerOptions } from "./watch-server.ts";

/** Makes a watch server, and loads Node's HTTP only then: most processes are watched by nobody. */
export async function openWatchServer(options: WatchServerOptions): Promise<WatchServer> {
  const { WatchServer: Server } = await import("./watch-server.ts");
  return new Server(options);
}

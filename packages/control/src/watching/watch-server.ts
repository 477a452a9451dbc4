import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Address } from "@drawbridge/dataplane";
import { DrawbridgeError, formatAddress, fromNodeError } from "@drawbridge/dataplane";

/** What a watch server tells. */
export interface WatchServerOptions {
  /** The metrics, and the form that they have. */
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** Why this process takes no new work now; undefined: it does. */
  readonly obstacle: () => string | undefined;
}

/** Who watches asks for little, seldom and soon. Beyond that, sockets are closed. */
const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 4_096;
const MOST_REQUESTS_PER_SOCKET = 1_000;
const REQUEST_MS = 5_000;
const IDLE_MS = 65_000;
const CHECK_MS = 1_000;

const PLAIN = "text/plain; charset=utf-8";

/**
 * Answers those who watch this process: `/metrics` for Prometheus, `/livez` and `/readyz` for whoever starts and stops it.
 * Knows no callers, so it belongs on loopback or a network of its own. Tells no secrets and no names.
 */
export class WatchServer {
  readonly #options: WatchServerOptions;
  readonly #server: Server;

  constructor(options: WatchServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: MOST_HEADER_BYTES,
        headersTimeout: REQUEST_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: CHECK_MS,
        keepAliveTimeout: IDLE_MS,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.maxRequestsPerSocket = MOST_REQUESTS_PER_SOCKET;
    // A connection that says nothing, or takes no answer, must not keep its place.
    this.#server.setTimeout(IDLE_MS, (socket) => socket.destroy());
    // Default: an answer, then the socket stays for the rest of what was sent. It is not worth that.
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** Starts to listen and returns the address. Errors: `address-in-use` and the like. */
  listen(address: Address): Promise<Address> {
    const { promise, resolve, reject } = Promise.withResolvers<Address>();
    const onError = (error: Error): void => reject(fromNodeError(error, formatAddress(address), "listen"));
    this.#server.once("error", onError);
    this.#server.listen({ port: address.port, ...(address.host !== "" && { host: address.host }) }, () => {
      this.#server.off("error", onError);
      // Later errors are those of accept(2): the socket is lost, the server is not.
      this.#server.on("error", () => {});
      const bound = this.#server.address();
      if (bound === null || typeof bound === "string") reject(new DrawbridgeError("internal", "there is no address"));
      else resolve({ host: bound.address, port: bound.port });
    });
    return promise;
  }

  /** Stops listening and closes every connection. May be called twice. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {});
    // What came with the request is not read, so nothing can follow it.
    if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined)
      response.shouldKeepAlive = false;
    response.setHeader("cache-control", "no-store");
    response.setHeader("x-content-type-options", "nosniff");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      send(request, response, 405, "only GET and HEAD\n");
      return;
    }
    const [path] = (request.url ?? "").split("?");
    if (path === "/metrics") await this.#metrics(request, response);
    else if (path === "/livez") send(request, response, 200, "alive\n");
    else if (path === "/readyz") this.#ready(request, response);
    else send(request, response, 404, "there are /metrics, /livez and /readyz\n");
  }

  #ready(request: IncomingMessage, response: ServerResponse): void {
    const obstacle = this.#options.obstacle();
    if (obstacle === undefined) send(request, response, 200, "ready\n");
    else send(request, response, 503, `${obstacle}\n`);
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics } = this.#options;
    try {
      send(request, response, 200, await metrics.text(), metrics.contentType);
    } catch {
      send(request, response, 500, "the metrics could not be collected\n");
    }
  }
}

function send(request: IncomingMessage, response: ServerResponse, status: number, text: string, type = PLAIN): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(request.method === "HEAD" ? undefined : text);
}

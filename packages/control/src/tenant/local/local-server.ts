import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { closeReasonFrom, DrawbridgeError } from "@drawbridge/dataplane";
import { readLines } from "./line-reader.ts";
import type { LocalAnswer, LocalRequest, RequestView } from "./local-protocol.ts";
import { LOCAL_VERSION, localRequestSchema, MAX_REQUEST_BYTES } from "./local-protocol.ts";

/** Answers what is asked on the local socket. What it throws is answered as an error. */
export interface LocalHandler {
  answer(request: Exclude<LocalRequest, { call: "watch" }>): Promise<LocalAnswer>;
  /** What those who watch are shown. Must not throw. */
  requests(): RequestView[];
}

const MAX_CONNECTIONS = 32;
/** How long a connection may take to ask, in milliseconds. */
const REQUEST_MS = 5_000;
/** How long an answer may take until the connection is given up, in milliseconds. */
const ANSWER_MS = 30_000;
/** A watcher that leaves this many bytes unread is dropped. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const WINDOWS = process.platform === "win32";

/** The local socket of a running tenant redirector, which only its owner may open. */
export class LocalServer {
  readonly #handler: LocalHandler;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<Socket>();

  constructor(handler: LocalHandler) {
    this.#handler = handler;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /**
   * Listens. A socket file that is there is taken for one that a killed process left behind: the caller holds the
   * home's lock, so that no other process listens on it.
   *
   * Errors: `home-invalid` where the socket cannot be made.
   */
  async start(path: string): Promise<void> {
    if (!WINDOWS) await rm(path, { force: true });
    try {
      // The directory keeps others out already; the umask makes the socket private from its first instant.
      const umask = WINDOWS ? 0 : process.umask(0o177);
      try {
        this.#server.listen(path);
      } finally {
        if (!WINDOWS) process.umask(umask);
      }
      await once(this.#server, "listening");
      if (!WINDOWS) await chmod(path, 0o600);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new DrawbridgeError("home-invalid", `the local socket cannot be made: ${why}`, { cause });
    }
  }

  /** Tells those who watch that the requests have changed. */
  requestsChanged(): void {
    for (const socket of this.#watchers) this.#sendRequests(socket);
  }

  /** Stops listening and hangs up. May be called twice. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setTimeout(REQUEST_MS, () => socket.destroy());
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#watchers.delete(socket);
    });
    void this.#serve(socket);
  }

  async #serve(socket: Socket): Promise<void> {
    try {
      const line = await firstLine(socket);
      if (line === undefined) return;
      const request = parseRequest(line);
      if (request.call === "watch") {
        this.#watch(socket);
        return;
      }
      socket.setTimeout(ANSWER_MS);
      send(socket, await this.#handler.answer(request));
    } catch (error) {
      send(socket, { answer: "error", ...closeReasonFrom(error) });
    }
    socket.end();
  }

  #watch(socket: Socket): void {
    socket.setTimeout(0);
    // Read on, so that a watcher that hangs up is noticed.
    socket.resume();
    this.#watchers.add(socket);
    this.#sendRequests(socket);
  }

  #sendRequests(socket: Socket): void {
    if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
    else send(socket, { answer: "requests", requests: this.#handler.requests() });
  }
}

async function firstLine(socket: Socket): Promise<string | undefined> {
  for await (const line of readLines(socket, MAX_REQUEST_BYTES)) return line;
  return undefined;
}

function parseRequest(line: string): LocalRequest {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new DrawbridgeError("protocol-violation", "a request on the local socket is not JSON");
  }
  const result = localRequestSchema.safeParse(json);
  if (result.success) return result.data;
  throw new DrawbridgeError("protocol-violation", "the tenant redirector does not understand this request", {
    remedy: "Restart `drawbridge tenant run`, so that both are of the same version.",
  });
}

function send(socket: Socket, answer: LocalAnswer): void {
  if (socket.writable) socket.write(`${JSON.stringify({ v: LOCAL_VERSION, ...answer })}\n`);
}

/** A traffic process: does what the bench tells it over the IPC channel, and ends when the channel closes. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "./statistics.ts";
import type {
  Endpoint,
  RoundTrips,
  TrafficCommand,
  TrafficCommands,
  TrafficMode,
  TrafficRequest,
  TrafficResponse,
} from "./traffic-commands.ts";

/** One for all connections: what is sent says nothing, and what is received is only counted. */
const block = Buffer.alloc(256 * 1024, "drawbridge");
/** Round trips before these are not counted: the path, its buffers and the compiler warm up. */
const WARM_UP_ROUND_TRIPS = 100;

const sockets = new Set<Socket>();
const senders = new Set<Socket>();
const servers: Server[] = [];
let pinger: Socket | undefined;
let isSending = false;
let bytesReceived = 0;

function begin(socket: Socket, mode: TrafficMode): void {
  sockets.add(socket);
  socket.on("error", () => {}).on("close", () => sockets.delete(socket) && senders.delete(socket));
  socket.setNoDelay(true);
  if (mode === "echo") socket.on("data", (chunk: Buffer) => void socket.write(chunk));
  if (mode === "receive") socket.on("data", (chunk: Buffer) => void (bytesReceived += chunk.length));
  if (mode === "ping") pinger = socket;
  if (mode === "send") {
    senders.add(socket);
    socket.resume();
    if (isSending) send(socket);
  }
}

function send(socket: Socket): void {
  if (!isSending || socket.destroyed) return;
  // One block at a time. While the kernel takes all at once the callbacks come without a turn of the loop, for ever.
  socket.write(block, () => void setImmediate(send, socket));
}

async function listen(mode: TrafficMode): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => begin(socket, mode));
  servers.push(server);
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function dial({ host, port, head }: Endpoint, mode: TrafficMode): Promise<void> {
  // Receives into one buffer, or the traffic process would be what limits.
  const onread = { buffer: block, callback: (length: number) => ((bytesReceived += length), true) };
  const socket = connect({ host, port, allowHalfOpen: true, ...(mode === "receive" && { onread }) });
  await once(socket, "connect");
  if (head !== undefined) socket.write(Buffer.from(head, "base64"));
  begin(socket, mode === "receive" ? "send" : mode);
  if (mode === "receive") senders.delete(socket);
}

async function ping({ bytes, seconds, pauseMs }: TrafficCommands["ping"]["request"]): Promise<RoundTrips> {
  const socket = pinger;
  if (socket === undefined) throw new Error("there is no connection of mode ping");
  const message = Buffer.alloc(bytes, "x");
  const samples: number[] = [];
  const echoes = new EchoReader(socket, bytes);
  const roundTrip = async (): Promise<number> => {
    const sentAt = performance.now();
    socket.write(message);
    await echoes.next();
    return (performance.now() - sentAt) * 1000;
  };
  for (let warm = 0; warm < WARM_UP_ROUND_TRIPS; warm += 1) await roundTrip();
  for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
    if (pauseMs > 0) await delay(pauseMs);
    samples.push(await roundTrip());
  }
  echoes.stop();
  return { count: samples.length, p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) };
}

/** Waits for one echo after another. */
class EchoReader {
  readonly #socket: Socket;
  readonly #bytes: number;
  #missing = 0;
  #echo = Promise.withResolvers<void>();

  constructor(socket: Socket, bytes: number) {
    this.#socket = socket.on("data", this.#onData).once("close", this.#onClose);
    this.#bytes = bytes;
  }

  /** Resolves when so many bytes have come again; called right after they were sent. */
  next(): Promise<void> {
    this.#echo = Promise.withResolvers<void>();
    this.#missing = this.#bytes;
    return this.#echo.promise;
  }

  stop(): void {
    this.#socket.off("data", this.#onData).off("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#missing -= chunk.length;
    if (this.#missing <= 0) this.#echo.resolve();
  };

  readonly #onClose = (): void => this.#echo.reject(new Error("the connection closed under the round trips"));
}

type Handlers = {
  [Name in TrafficCommand]: (
    request: TrafficCommands[Name]["request"],
  ) => Promise<TrafficCommands[Name]["response"]> | TrafficCommands[Name]["response"];
};

const handlers: Handlers = {
  listen: async ({ mode }) => ({ port: await listen(mode) }),
  dial: async ({ mode, endpoint }) => {
    await dial(endpoint, mode);
    return {};
  },
  connections: () => ({ count: sockets.size }),
  send: ({ on }) => {
    isSending = on;
    if (on) for (const socket of senders) send(socket);
    return {};
  },
  received: () => ({ bytes: bytesReceived, at: performance.now() }),
  ping,
  reset: () => {
    isSending = false;
    pinger = undefined;
    for (const socket of sockets) socket.resetAndDestroy();
    return {};
  },
};

process.on("message", (message) => {
  const { id, name, request } = message as TrafficRequest;
  const handle = handlers[name] as (request: unknown) => unknown;
  const answer = (response: TrafficResponse): void => void process.send?.(response);
  Promise.resolve()
    .then(() => handle(request))
    .then(
      (response) => answer({ id, response }),
      (error: unknown) => answer({ id, error: String(error) }),
    );
});
process.once("disconnect", () => process.exit(0));

import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { ConnectionInjector, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { CompatServiceDefinition, ServiceImplementation } from "nice-grpc";
import type { ServerMiddleware } from "nice-grpc-common";
import { composeServerMiddleware } from "nice-grpc-common";
import * as bidiStreamingCall from "nice-grpc/lib/server/handleBidiStreamingCall.js";
import * as clientStreamingCall from "nice-grpc/lib/server/handleClientStreamingCall.js";
import * as serverStreamingCall from "nice-grpc/lib/server/handleServerStreamingCall.js";
import * as unaryCall from "nice-grpc/lib/server/handleUnaryCall.js";
import * as serviceDefinitions from "nice-grpc/lib/service-definitions/index.js";
import { peerAddress, systemClock } from "@drawbridge/dataplane";
import type { KeepAlive } from "./keep-alive.ts";
import { connectionInterceptor, tellConnection } from "./call-connection.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { validationMiddleware } from "./validation.ts";
import { writeDeadlineInterceptor } from "./write-deadline.ts";

/** How a server treats its calls. */
export interface RpcServerOptions<Context> {
  /** Outermost first. Validation is added as the innermost. */
  middleware: [ServerMiddleware, ServerMiddleware<Context>];
  /** How dead peers are found: by their silence. */
  keepAlive: KeepAlive;
  /** The largest message that is accepted, in bytes, also after decompression. Default 64 KiB. */
  maxMessageBytes?: number;
  /** How many calls one connection may have open. Default 256. */
  maxCallsPerConnection?: number;
  /** How long a peer may leave a message unread until its connection is closed, in milliseconds. Default 60,000. */
  writeDeadlineMs?: number;
}

type Handler = (method: unknown, implementation: unknown, middleware: unknown) => UntypedServiceImplementation[string];
interface MethodShape {
  requestStream: boolean;
  responseStream: boolean;
}

/*
 * nice-grpc's `createServer` only listens on an address of its own, and offers no way in for a connection that was
 * accepted elsewhere. Drawbridge has one public port for control and data, so it accepts connections itself and hands
 * the gRPC ones over through grpc-js's connection injector. A second, internal listener would cost two more descriptors
 * and two more copies for each of ten thousand tenants, and lose the client's address. Hence nice-grpc's own handlers
 * are used below without its `createServer`. They are not in its index, so its version is pinned, and
 * test/integration/rpc covers all four kinds of call.
 */
const handlers = {
  unary: (unaryCall as unknown as { createUnaryMethodHandler: Handler }).createUnaryMethodHandler,
  serverStream: (serverStreamingCall as unknown as { createServerStreamingMethodHandler: Handler })
    .createServerStreamingMethodHandler,
  clientStream: (clientStreamingCall as unknown as { createClientStreamingMethodHandler: Handler })
    .createClientStreamingMethodHandler,
  bidi: (bidiStreamingCall as unknown as { createBidiStreamingMethodHandler: Handler })
    .createBidiStreamingMethodHandler,
};
const { normalizeServiceDefinition, toGrpcJsServiceDefinition } = serviceDefinitions as unknown as {
  normalizeServiceDefinition: (definition: CompatServiceDefinition) => Record<string, MethodShape>;
  toGrpcJsServiceDefinition: (definition: Record<string, MethodShape>) => ServiceDefinition;
};

function handlerFor({ requestStream, responseStream }: MethodShape): Handler {
  if (requestStream) return responseStream ? handlers.bidi : handlers.clientStream;
  return responseStream ? handlers.serverStream : handlers.unary;
}

/** How long the last messages and statuses of calls that are over may take to leave, in milliseconds. */
const FLUSH_MS = 50;

/** A gRPC server without a listener: TLS connections that were accepted elsewhere are injected. */
export class RpcServer<Context> {
  readonly #server: Server;
  readonly #injector: ConnectionInjector;
  readonly #middleware: ServerMiddleware<Context>;
  readonly #connections = new Set<TLSSocket>();
  readonly #silence: SilenceWatch;
  #http2: Http2Server | undefined;
  /** Calls that run. */
  #calls = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: RpcServerOptions<Context>) {
    const { maxMessageBytes = 64 * 1024, writeDeadlineMs = 60_000 } = options;
    this.#silence = new SilenceWatch(options.keepAlive, systemClock);
    this.#server = new Server({
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_concurrent_streams": options.maxCallsPerConnection ?? 256,
      "grpc.enable_channelz": 0,
      interceptors: [connectionInterceptor, writeDeadlineInterceptor(writeDeadlineMs, (peer) => this.#cut(peer))],
    });
    this.#takeHttp2Server();
    // The connections are TLS already; to the injector they are plain duplex streams.
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const [outer, inner] = options.middleware;
    const checked = composeServerMiddleware(composeServerMiddleware(outer, inner), validationMiddleware);
    this.#middleware = composeServerMiddleware(this.#counted(), checked);
  }

  /** Adds a service. Before the first `inject`. */
  add<Service extends CompatServiceDefinition>(
    definition: Service,
    implementation: ServiceImplementation<Service, Context>,
  ): void {
    const methods = normalizeServiceDefinition(definition);
    const implementations = implementation as Record<string, (request: unknown, context: unknown) => unknown>;
    const grpcImplementation: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(methods)) {
      const implement = implementations[name]?.bind(implementations);
      grpcImplementation[name] = handlerFor(method)(method, implement, this.#middleware);
    }
    this.#server.addService(toGrpcJsServiceDefinition(methods), grpcImplementation);
  }

  /** Takes over a TLS connection whose handshake is complete. */
  inject(socket: TLSSocket): void {
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket));
    tellPeer(socket);
    tellConnection(socket);
    const watch = (session: ServerHttp2Session): void => this.#watch(socket, session);
    this.#http2?.once("session", watch);
    this.#injector.injectConnection(socket);
    this.#http2?.off("session", watch);
  }

  /** Waits until the calls that run are over, but no longer than `deadlineMs`; then ends all calls and connections. */
  async drain(deadlineMs: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const deadline = setTimeout(over.resolve, deadlineMs);
    // grpc-js' tryShutdown cannot be asked: with channelz off it knows of no connection that was injected.
    this.#onIdle = over.resolve;
    if (this.#calls === 0) over.resolve();
    await over.promise;
    clearTimeout(deadline);
    await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
    this.destroy();
  }

  /** Ends all calls and connections at once. May be called twice. */
  destroy(): void {
    this.#server.forceShutdown();
    // With channelz off, grpc-js 1.14 keeps no list of its sessions, and forceShutdown leaves them all alone.
    for (const socket of this.#connections) socket.destroy();
  }

  /**
   * grpc-js pings every connection every so often, whatever comes from it, which is half of what ten thousand idle tenants
   * cost; and it does not tell of its connections. So its HTTP/2 server is looked at as it is made.
   */
  #takeHttp2Server(): void {
    const server = this.#server as unknown as { createHttp2Server: (credentials: ServerCredentials) => Http2Server };
    const create = server.createHttp2Server.bind(server);
    server.createHttp2Server = (credentials) => (this.#http2 = create(credentials));
  }

  #watch(socket: TLSSocket, session: ServerHttp2Session): void {
    const end = this.#silence.add({
      bytesRead: () => socket.bytesRead,
      ping: () => session.ping(() => {}),
      lost: () => session.destroy(),
    });
    session.once("close", end);
  }

  #cut(peer: string): void {
    for (const socket of this.#connections) {
      if (`${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}` === peer) socket.destroy();
    }
  }

  #counted(): ServerMiddleware {
    const begun = (): number => (this.#calls += 1);
    const ended = (): void => {
      this.#calls -= 1;
      if (this.#calls === 0) this.#onIdle?.();
    };
    return async function* countCall(call, context) {
      begun();
      try {
        return (yield* call.next(call.request, context)) ?? undefined;
      } finally {
        ended();
      }
    };
  }
}

/** grpc-js asks the socket who is at its other end (`getPeer`), and that may be a gateway. */
function tellPeer(socket: TLSSocket): void {
  const { host, port } = peerAddress(socket);
  Object.defineProperties(socket, {
    remoteAddress: { value: host.includes(":") ? `[${host}]` : host },
    remotePort: { value: port },
  });
}

import type { Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Reach } from "@drawbridge/dataplane";
import { DrawbridgeError, parseAddress } from "@drawbridge/dataplane";
import type { Channel, Client, CompatServiceDefinition } from "nice-grpc";
import { createChannel, createClientFactory } from "nice-grpc";
import type { ChannelConnectOptions } from "./channel-connect.ts";
import { connectChannel } from "./channel-connect.ts";
import { clientErrorMiddleware } from "./client-errors.ts";
import { clockFailure } from "./clock-failure.ts";
import { guardedCredentials } from "./guarded-credentials.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { DEFAULT_KEEP_ALIVE, keepAliveOptions } from "./keep-alive.ts";
import { ownDialling, UNDIALLED_TARGET } from "./own-dialling.ts";
import { probeChannel } from "./probe-channel.ts";
import { clientValidationMiddleware } from "./validation.ts";

/** How to reach a cloud redirector, and who calls. */
export interface ChannelTarget {
  /** `host:port` of the cloud redirector or of a gateway in front of it. */
  address: string;
  /** How this machine gets out. */
  reach: Reach;
  /** The CAs of the provider, PEM. Only these are trusted. */
  certificateAuthorities: string[];
  /** The name that the server's certificate must hold, whatever address it is reached at. */
  serverName: string;
  /** The caller's own certificate and key, PEM. Without them only enrolment is possible. */
  identity?: { certificate: string; privateKey: string };
  /** What {@link secureContextFor} has made of these before. Default: it is made anew. */
  secureContext?: SecureContext | undefined;
  /** How a dead server is found. */
  keepAlive?: KeepAlive;
}

/** The largest answer that a client accepts: a snapshot of ten thousand tenants has about 3 MB. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** A gRPC channel over TLS 1.3 and the clients on it. Its connections are dialled as legs are. */
export class RpcChannel {
  readonly address: string;
  readonly #channel: Channel;
  readonly #reach: Reach;
  readonly #closing = new AbortController();
  /** Why the last attempt to dial failed; undefined after one that did not. */
  #failure: DrawbridgeError | undefined;

  constructor(target: ChannelTarget) {
    this.address = target.address;
    this.#reach = target.reach;
    this.#channel = createChannel(
      UNDIALLED_TARGET,
      credentialsFor(target, this.#closing.signal, (error) => this.#handshakeFailed(error)),
      {
        ...ownDialling(() => this.#dial()),
        ...keepAliveOptions(target.keepAlive ?? DEFAULT_KEEP_ALIVE),
        "grpc.ssl_target_name_override": target.serverName,
        "grpc.default_authority": target.serverName,
        "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.service_config_disable_resolution": 1,
        "grpc.enable_http_proxy": 0,
        "grpc.enable_channelz": 0,
      },
    );
  }

  /** A client of a service, whose errors are DrawbridgeErrors and whose answers are validated. */
  client<Service extends CompatServiceDefinition>(definition: Service): Client<Service> {
    return createClientFactory()
      .use(clientErrorMiddleware(this.address, () => this.#failure))
      .use(clientValidationMiddleware)
      .create(definition, this.#channel);
  }

  /** Connects, which calls also do by themselves; see {@link connectChannel}. */
  connect(options: ChannelConnectOptions = {}): Promise<"connected" | "failed"> {
    return connectChannel(this.#channel, this.address, options);
  }

  /** Whether the server answers within so many milliseconds: asked where a connection may be dead. Never rejects. */
  answers(withinMs: number): Promise<boolean> {
    return probeChannel(this.#channel, withinMs);
  }

  /** Closes the connection. Calls that are still open end too. May be called twice. */
  close(): void {
    this.#channel.close();
    this.#closing.abort();
  }

  async #handshakeFailed(error: unknown): Promise<void> {
    const dial = (): Promise<Socket> => this.#reach.dial(parseAddress(this.address), { signal: this.#closing.signal });
    this.#failure = await clockFailure(error, this.address, dial);
  }

  async #dial(): Promise<Socket> {
    try {
      const socket = await this.#reach.dial(parseAddress(this.address), { signal: this.#closing.signal });
      // HTTP/2 has no use of a half-open connection, and would notice a server that died by its keep-alive only.
      socket.allowHalfOpen = false;
      this.#failure = undefined;
      return socket;
    } catch (error) {
      if (error instanceof DrawbridgeError && error.code !== "cancelled") this.#failure = error;
      throw error;
    }
  }
}

function credentialsFor(
  target: ChannelTarget,
  signal: AbortSignal,
  onFailure: (error: unknown) => Promise<void>,
): ChannelCredentials {
  return guardedCredentials(target.secureContext ?? secureContextFor(target), signal, onFailure);
}

/**
 * Reads the CAs, the certificate and the key.
 *
 * Errors: `home-invalid` where they cannot be read.
 */
export function secureContextFor({
  certificateAuthorities,
  identity,
}: Pick<ChannelTarget, "certificateAuthorities" | "identity">): SecureContext {
  try {
    return createSecureContext({
      minVersion: "TLSv1.3",
      ca: certificateAuthorities,
      ...(identity && { cert: identity.certificate, key: identity.privateKey }),
    });
  } catch (cause) {
    throw new DrawbridgeError("home-invalid", "the enrolled certificate or key cannot be read", {
      remedy: "Enrol again with a new invite code.",
      cause,
    });
  }
}

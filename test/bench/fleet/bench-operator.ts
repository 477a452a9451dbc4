import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { RemoteRedirector } from "@drawbridge/control/remote";
import type { RpcChannel } from "@drawbridge/control/rpc";
import { closeReason, Gateways } from "@drawbridge/dataplane";

const nothing = (): void => {};
const observer = {
  pending: nothing,
  opened: nothing,
  linkOpened: nothing,
  linkClosed: nothing,
  clientRefused: nothing,
};

/** A service that says one byte to whoever connects: the first byte of the target. */
export async function startGreeter(): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((socket) => void socket.on("error", nothing).end("!"));
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await once(server.close(), "close");
    },
  };
}

/** A session of an operator, played by this process. */
export class BenchSession {
  readonly #remote: RemoteRedirector;

  /** Opens a session to a tenant's target `rdp`. */
  static async open(
    identity: EnrolledIdentity,
    channel: RpcChannel,
    tenant: string,
    signal: AbortSignal,
    linksAhead = 1,
  ): Promise<BenchSession> {
    const remote = new RemoteRedirector({
      identity: () => identity,
      channel,
      gateways: new Gateways([channel.address]),
      request: { tenant, target: "rdp", reason: "", ticket: "" },
      linksAhead,
      observer,
      trustTenantKey: () => Promise.resolve(),
    });
    await remote.start(signal);
    return new BenchSession(remote);
  }

  private constructor(remote: RemoteRedirector) {
    this.#remote = remote;
  }

  /** Opens a link, and resolves when the target's first byte is there. The link is ended. */
  async firstByte(signal: AbortSignal): Promise<void> {
    const { stream } = await this.#remote.openLink(signal);
    stream.on("error", nothing);
    await once(stream, "data", { signal });
    stream.destroy();
  }

  end(): Promise<void> {
    return this.#remote.stop(closeReason("closed", "measured"));
  }
}

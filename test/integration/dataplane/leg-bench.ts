import {
  acceptTenantLeg,
  type Address,
  encryptRemoteLeg,
  FrontDoor,
  LEG_ALPN,
  type LegTrust,
  type LinkReservation,
  Reach,
  type ReachOptions,
  Rendezvous,
} from "@drawbridge/dataplane";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { TestAuthority, type TestIdentity } from "../../support/certificates.ts";

const SERVER_NAME = "cloud.test";
const LINK_NAME = "one.target.drawbridge.internal";

/** A public port as the cloud redirector has it, legs over TLS included, and the two redirectors' ends of links. */
export class LegBench implements AsyncDisposable {
  readonly rendezvous = new Rendezvous();
  readonly #door: FrontDoor;
  readonly #tls: Server;
  readonly #authority: TestAuthority;
  readonly #redirector: TestIdentity;
  readonly #sockets = new Set<Socket>();
  address: Address = { host: "", port: 0 };
  #links = 0;

  private constructor(authority: TestAuthority, server: TestIdentity, redirector: TestIdentity, alpn: string) {
    this.#authority = authority;
    this.#redirector = redirector;
    this.#tls = createServer({
      key: server.key,
      cert: server.certificate,
      minVersion: "TLSv1.3",
      ALPNProtocols: [alpn],
    });
    this.#tls.on("secureConnection", (socket) => {
      socket.allowHalfOpen = true;
      this.rendezvous.accept(socket);
    });
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#door = new FrontDoor({
      onTls: (socket) => {
        this.#sockets.add(socket.on("error", () => {}));
        this.#tls.emit("connection", socket);
      },
      onLeg: (socket) => this.rendezvous.accept(socket),
    });
  }

  /** @param alpn what the server's TLS takes part in; default: legs. */
  static async start(alpn = LEG_ALPN): Promise<LegBench> {
    const authority = await TestAuthority.create();
    const server = await authority.issueServer(SERVER_NAME);
    const bench = new LegBench(authority, server, await authority.issue("drawbridge://test/both/ends"), alpn);
    bench.address = await bench.#door.listen({ host: "127.0.0.1", port: 0 });
    return bench;
  }

  /** A way out that trusts this server for legs. */
  reach(options: ReachOptions = {}, trust: Partial<LegTrust> = {}): Reach {
    const reach = new Reach(options);
    reach.trustForLegs({
      serverName: SERVER_NAME,
      certificateAuthorities: [this.#authority.certificate],
      ...trust,
    });
    return reach;
  }

  expect(): LinkReservation {
    this.#links += 1;
    return this.rendezvous.expect({ linkId: `l${this.#links}`, tenant: "acme" });
  }

  /** The remote redirector's end of a link. */
  async remote(reach: Reach, link: LinkReservation, at = this.address, more = {}): Promise<TLSSocket> {
    return encryptRemoteLeg(await reach.dialLeg(at, link.remoteToken), this.#end(more));
  }

  /** The tenant redirector's end of a link. */
  async tenant(reach: Reach, link: LinkReservation, at = this.address, more = {}): Promise<TLSSocket> {
    return acceptTenantLeg(await reach.dialLeg(at, link.tenantToken), this.#end(more));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rendezvous.destroy({ code: "closed", message: "the test is over" });
    await this.#door.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #end(more: object) {
    return {
      ...this.#redirector,
      certificateAuthorities: [this.#authority.certificate],
      verifyPeer: () => {},
      serverName: LINK_NAME,
      ...more,
    };
  }
}

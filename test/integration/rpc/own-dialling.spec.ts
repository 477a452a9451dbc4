import { CLOUD_SERVER_NAME } from "@drawbridge/control/identity";
import { RpcChannel } from "@drawbridge/control/rpc";
import { type Address, type DialOptions, DrawbridgeError, parseProxy, Reach } from "@drawbridge/dataplane";
import { expect } from "chai";
import type { Socket } from "node:net";
import { TestAuthority } from "../../support/certificates.ts";
import { closedOf, LoopbackServer, readBytes } from "../../support/dataplane-sockets.ts";
import { thrown } from "../../unit/identity/thrown.ts";
import { testService } from "./rpc-bench.ts";

const ADDRESS = "cloud.example:8443";

/** A way out that a test answers for. */
class ScriptedReach extends Reach {
  readonly dialled: Address[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #answer: () => Promise<Socket>;

  constructor(answer: () => Promise<Socket>) {
    super();
    this.#answer = answer;
  }

  override dial(address: Address, { signal }: DialOptions = {}): Promise<Socket> {
    this.dialled.push(address);
    if (signal !== undefined) this.signals.push(signal);
    return this.#answer();
  }
}

describe("a channel's connections", () => {
  let certificateAuthorities: string[];

  before(async () => {
    certificateAuthorities = [(await TestAuthority.create()).certificate];
  });

  const open = (reach: Reach): RpcChannel =>
    new RpcChannel({ address: ADDRESS, reach, certificateAuthorities, serverName: CLOUD_SERVER_NAME });

  it("are dialled by the way out, with the address as it was given, and told in its words", async () => {
    const failure = new DrawbridgeError("dial-failed", "the bridge is up", { remedy: "Lower it." });
    const reach = new ScriptedReach(() => Promise.reject(failure));
    const channel = open(reach);
    const error = await thrown(() => channel.client(testService).unary({}));
    expect(error).to.include({
      code: "unavailable",
      message: "the cloud redirector cannot be reached: the bridge is up",
      remedy: "Lower it.",
    });
    expect(reach.dialled).to.deep.equal([{ host: "cloud.example", port: 8443 }]);
    channel.close();
  });

  it("go through the proxy, which is asked for the name", async () => {
    const proxy = await LoopbackServer.start();
    const channel = open(new Reach({ proxy: parseProxy(`127.0.0.1:${proxy.address.port}`, "the test") }));
    const failed = thrown(() => channel.client(testService).unary({}));
    const far = await proxy.next();
    const request = `CONNECT ${ADDRESS} HTTP/1.1`;
    expect((await readBytes(far, request.length)).toString()).to.equal(request);
    far.end("HTTP/1.1 403 No\r\n\r\n");
    expect((await failed).message).to.contain(`forbids connections to ${ADDRESS}`);
    await closedOf(far);
    channel.close();
    proxy.close();
  });

  it("that end during the TLS handshake are reported, and not waited for", async () => {
    const server = await LoopbackServer.start();
    const channel = open(new ScriptedReach(() => new Reach().dial(server.address)));
    const failed = thrown(() => channel.client(testService).unary({}));
    const far = await server.next();
    await readBytes(far, 1);
    far.destroy();
    expect((await failed).message).to.match(/cloud\.example:8443 did not complete the TLS handshake/);
    channel.close();
    server.close();
  });

  it("are given up when the channel is closed while they are dialled or secured", async () => {
    const server = await LoopbackServer.start();
    const securing = open(new ScriptedReach(() => new Reach().dial(server.address)));
    const first = thrown(() => securing.client(testService).unary({}));
    const far = await server.next();
    await readBytes(far, 1);
    securing.close();
    await Promise.all([first, closedOf(far)]);

    const reach = new ScriptedReach(() => new Promise(() => {}));
    const dialling = open(reach);
    const second = thrown(() => dialling.client(testService).unary({}));
    while (reach.signals.length === 0) await new Promise((resolve) => setImmediate(resolve));
    dialling.close();
    await second;
    expect(reach.signals[0]?.aborted).to.equal(true);
    server.close();
  });
});

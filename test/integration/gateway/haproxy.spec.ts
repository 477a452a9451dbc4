import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encodeProxyHeader, parseAddress } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { type Chain, openSession, startChain, stopChain } from "../../support/chain.ts";
import { stopCli } from "../../support/cli.ts";
import { closedOf, dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { expectBulkUnaltered } from "../cli/bulk.ts";
import { TargetServer } from "../cli/target-server.ts";
import { HaProxy } from "./haproxy.ts";

const MB = 1024 * 1024;
/** Nobody listens there. */
const DEAD = "127.0.0.1:1";

peerSuite("HAProxy in the cloud gateway's place, as docs/GATEWAY.md says", ["haproxy"], function () {
  let chain: Chain;
  let target: TargetServer;
  let proxy: HaProxy;
  let onAccepted: (socket: Socket) => void = () => {};

  before(async function () {
    this.timeout(60_000);
    target = await TargetServer.start((socket) => onAccepted(socket));
    chain = await startChain([target.named("rdp")], {
      publicFront: async (cloud) => {
        proxy = await HaProxy.start([DEAD, cloud]);
        return proxy.address;
      },
      cloudSettings: { trustedGateways: ["127.0.0.1"] },
    });
  });
  after(async function () {
    this.timeout(60_000);
    await stopChain(chain);
    await proxy[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  it("carries a session: bytes both ways unaltered, each end on its own", async function () {
    this.timeout(60_000);
    await using session = await openSession(chain);
    const accepted = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const near = await dialLoopback(session.port);
    const far = await accepted;
    await expectBulkUnaltered(near, far, 8 * MB);

    const next = new Promise<Socket>((resolve) => (onAccepted = resolve));
    const asking = await dialLoopback(session.port);
    asking.end("question");
    const answering = await next;
    expect((await readAll(answering)).toString()).to.equal("question");
    answering.end("answer");
    expect((await readAll(asking)).toString()).to.equal("answer");
    await stopCli(session.process);
  });

  it("passes the clients' own addresses on, to lists and the audit log", async () => {
    const own = /^\[::1\]:\d+$/;
    const { events } = await chain.operator(["tenants", "--json"]);
    expect(events.find((row) => row["name"] === "acme")?.["sourceAddress"]).to.match(own);
    const { stdout } = await chain.cloud(["audit", "export"]);
    const sources = [...stdout.matchAll(/"source\\?":\\?"([^"\\]+)/g)].map(([, source = ""]) => source);
    expect(sources).to.have.length.at.least(3);
    for (const source of sources) expect(source).to.match(own);
  });

  it("closes what is neither TLS nor a preface, a client's PROXY header included", async () => {
    const { host, port } = parseAddress(proxy.address);
    for (const bytes of [Buffer.from("GET / HTTP/1.1\r\n\r\n"), encodeProxyHeader()]) {
      const socket = connect({ host, port, allowHalfOpen: true });
      await once(socket, "connect");
      socket.on("error", () => {}).write(bytes);
      await closedOf(socket);
      expect(socket.bytesRead).to.equal(0);
    }
  });

  it("checks without a word in the cloud redirector's log, and finds one that is not up", async () => {
    const cloud = chain.processes[0]?.child;
    const news = (what: string): number => proxy.child.tail().lastIndexOf(`erver cloud/${what}`);
    await until(() => news("first is DOWN") >= 0 || undefined, { what: "the news that the first is down" });
    // It may have been looked at before it listened.
    await until(() => news("second is UP") >= news("second is DOWN") || undefined, { what: "the second up" });
    expect(cloud?.tail()).to.not.match(/warn|socket-refused|PROXY/);
  });
});

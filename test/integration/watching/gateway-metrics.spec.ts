import type { Socket } from "node:net";
import { expect } from "chai";
import { freePort } from "../../../scripts/demo/free-port.ts";
import { until } from "../../../scripts/demo/until.ts";
import { stopCli } from "../../support/cli.ts";
import { dialLoopback, readAll } from "../../support/dataplane-sockets.ts";
import { peerSuite } from "../../support/peer-suite.ts";
import { TargetServer } from "../cli/target-server.ts";
import { type GatewayProcess, startGateway } from "../gateway/gateway-process.ts";
import { ask, type Samples, scrape } from "./exposition.ts";
import { promtool } from "./promtool.ts";

/** The first byte of a TLS record: enough to be passed on. */
const TLS_HANDSHAKE = Buffer.from([0x16]);

describe("metrics of a cloud gateway", function () {
  this.timeout(60_000);
  let cloud: TargetServer;
  let gateway: GatewayProcess;
  let metrics: string;
  let dead: string;
  const sockets: Socket[] = [];

  before(async () => {
    cloud = await TargetServer.start((socket) => socket.resume());
    dead = `127.0.0.1:${await freePort()}`;
    const args = ["--metrics", "127.0.0.1:0", "--silent-sockets", "1", "--drain", "10m"];
    gateway = await startGateway([dead, cloud.named("cloud").slice("cloud=".length)], { listen: "127.0.0.1:0", args });
    metrics = String((await gateway.process.waitForEvent("ready"))["metrics"]);
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await cloud[Symbol.asyncDispose]();
    await stopCli(gateway.process);
  });

  async function dial(): Promise<Socket> {
    const socket = await dialLoopback(Number(gateway.address.slice(gateway.address.lastIndexOf(":") + 1)));
    sockets.push(socket);
    return socket;
  }

  const scrapeUntil = (what: string, holds: (samples: Samples) => boolean): Promise<Samples> =>
    until(
      async () => {
        const samples = await scrape(metrics);
        return holds(samples) ? samples : undefined;
      },
      { what, timeoutMs: 20_000, intervalMs: 50 },
    );

  it("tell which cloud redirectors answer, by the addresses that it was given", async () => {
    await gateway.process.waitForEvent("cloud-down", { where: (event) => event["cloud"] === dead });
    const samples = await scrape(metrics);
    expect(samples.get(`drawbridge_gateway_cloud_up{cloud="${dead}"}`)).to.equal(0);
  });

  it("count what it refuses, and which limit was hit", async () => {
    const first = await dial();
    const ended = readAll(first).catch(() => Buffer.alloc(0));
    const second = await dial();
    await ended;
    second.write("hello");
    await readAll(second).catch(() => Buffer.alloc(0));
    const samples = await scrapeUntil(
      "two refusals",
      (now) => now.get('drawbridge_sockets_refused_total{reason="protocol-violation"}') === 1,
    );
    expect(samples.get('drawbridge_limits_hit_total{limit="silentSockets"}')).to.equal(1);
    expect(samples.get('drawbridge_sockets_refused_total{reason="limit-exceeded"}')).to.equal(1);
  });

  it("count the connections that it passes on; and it is not ready while it drains", async () => {
    expect(await ask(metrics, "/readyz")).to.deep.equal({ status: 200, text: "ready\n" });
    const client = await dial();
    client.write(TLS_HANDSHAKE);
    await scrapeUntil("a connection", (now) => now.get("drawbridge_gateway_connections") === 1);
    gateway.process.child.signal("SIGTERM");
    const status = async (): Promise<true | undefined> => (await ask(metrics, "/readyz")).status === 503 || undefined;
    await until(status, { what: "the drain" });
    expect((await ask(metrics, "/livez")).status).to.equal(200);
  });

  peerSuite("as Prometheus sees them", ["promtool"], () => {
    it("are named by its conventions", async () => {
      expect(await promtool(["check", "metrics"], (await ask(metrics, "/metrics")).text)).to.equal("");
    });
  });
});

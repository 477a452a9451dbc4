import { connect, type Socket } from "node:net";
import { once } from "node:events";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { systemWallClock } from "@drawbridge/control/wire";
import { Gateways, Reach, ServiceRecords } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { LoopbackServer, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "../cli/target-server.ts";
import { CloudBench } from "../control/cloud-bench.ts";
import { ReconnectBench } from "./reconnect-bench.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

describe("several gateways", () => {
  let bench: ReconnectBench;
  let target: TargetServer;
  let acme: EnrolledIdentity;
  let olga: EnrolledIdentity;
  beforeEach(async () => {
    bench = await ReconnectBench.start();
    target = await TargetServer.start((socket) => socket.pipe(socket));
    [acme, olga] = [await bench.cloud.enrolTenant("acme"), await bench.cloud.enrolOperator("olga")];
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  async function dial(port: number): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    await once(
      socket.on("error", () => {}),
      "connect",
    );
    return socket;
  }

  async function echo(port: number): Promise<string> {
    const socket = await dial(port);
    socket.end("hello");
    const answer = (await readAll(socket)).toString();
    socket.destroy();
    return answer;
  }

  for (const how of ["reset", "end"] as const) {
    it(`a tenant moves to another within 5 s of one dying by ${how}`, async () => {
      const tenant = bench.tenant(acme, target.named("rdp"));
      await tenant.connected(1);
      const diedAt = performance.now();
      bench.first.die(how);
      await tenant.connected(2);
      expect(performance.now() - diedAt).to.be.lessThan(5_000);
      expect(tenant.connectedAt).to.deep.equal([bench.first.address, bench.second.address]);
      expect(tenant.redirector.state).to.include({ name: "connected", address: bench.second.address });
    });
  }

  it("an operator's command takes the next one when the preferred is dead", async () => {
    const tenant = bench.tenant(acme, target.named("rdp"));
    await tenant.connected(1);
    bench.first.die();
    await tenant.connected(2);
    const { gateway, port } = await bench.session(olga);
    expect(gateway).to.equal(bench.second.address);
    expect(await echo(port)).to.equal("hello");
  });

  it("a leg that cannot be dialled at one is dialled at another", async () => {
    const tenant = bench.tenant(acme, target.named("rdp"));
    await tenant.connected(1);
    const { port, gateway } = await bench.session(olga);
    expect(gateway).to.equal(bench.first.address);
    bench.first.stopListening();
    expect(await echo(port)).to.equal("hello");
    expect(tenant.connectedAt).to.have.length(1);
  });

  it("a session whose gateway dies ends, and says what was lost", async () => {
    const tenant = bench.tenant(acme, target.named("rdp"), new Gateways([bench.second.address]));
    await tenant.connected(1);
    const { remote } = await bench.session(olga);
    bench.first.die();
    const { reason } = await remote.closed;
    expect(reason.code).to.equal("unavailable");
    expect(reason.message).to.equal(
      `the connection to the provider at ${bench.first.address} was lost, and the session with it`,
    );
    expect(tenant.connectedAt).to.have.length(1);
  });

  it("a gateway that takes connections and says nothing is left for another within 5 s", async () => {
    const silent = await LoopbackServer.start();
    const place = `127.0.0.1:${silent.address.port}`;
    const startedAt = performance.now();
    const tenant = bench.tenant(acme, target.named("rdp"), new Gateways([place, bench.first.address]));
    await tenant.connected(1);
    expect(performance.now() - startedAt).to.be.lessThan(5_000);
    const { gateway } = await bench.session(olga, new Gateways([place, bench.first.address]));
    expect(gateway).to.equal(bench.first.address);
    silent.close();
  });

  it("names are looked up anew for each connection", async () => {
    let first = true;
    const services = new ServiceRecords(() => {
      const [host, port] = (first ? bench.first : bench.second).address.split(":");
      return Promise.resolve([{ name: host ?? "", port: Number(port), priority: 0, weight: 0 }]);
    });
    const gateways = new Gateways(["_drawbridge._tcp.provider.example"], new Reach(), { services });
    const tenant = bench.tenant(acme, target.named("rdp"), gateways);
    await tenant.connected(1);
    first = false;
    bench.first.die();
    await tenant.connected(2);
    expect(tenant.connectedAt).to.deep.equal([bench.first.address, bench.second.address]);
  });

  it("a machine that wakes up asks whether its control connection is alive, and dials anew where it is not", async () => {
    let sleptMs = 0;
    const clock = { ...systemWallClock, wallNow: () => Date.now() + sleptMs };
    const woken: unknown[] = [];
    const info = (fields: object): void => {
      if ("event" in fields && fields.event === "woken") woken.push(fields);
    };
    const options = { clock, log: { ...silent, info } };
    const tenant = bench.tenant(acme, target.named("rdp"), new Gateways([bench.first.address]), options);
    await tenant.connected(1);
    sleptMs = 3_600_000;
    await until(() => woken.length === 1 || undefined, { what: "the wake-up noticed" });
    expect(tenant.connectedAt).to.have.length(1);
    bench.first.freeze("control");
    const frozenAt = performance.now();
    sleptMs *= 2;
    await tenant.connected(2);
    // By keep-alive alone it would be 15 s.
    expect(performance.now() - frozenAt).to.be.lessThan(12_000);
  });

  it("links outlive a lost control connection, and their session is announced again", async () => {
    const tenant = bench.tenant(acme, target.named("rdp"));
    await tenant.connected(1);
    const { port } = await bench.session(olga, new Gateways([bench.second.address]));
    const link = await dial(port);
    link.write("before");
    expect((await readBytes(link, 6)).toString()).to.equal("before");
    bench.first.stopListening();
    bench.second.stopListening();
    bench.first.cut("control");
    const offline = (): true | undefined => bench.cloud.logged("info").includes("tenant acme is offline") || undefined;
    await until(offline, { what: "acme offline" });
    link.write("during");
    expect((await readBytes(link, 6)).toString()).to.equal("during");
    await bench.first.listen();
    await bench.second.listen();
    await tenant.connected(2);
    link.end("after");
    expect((await readAll(link)).toString()).to.equal("after");
    expect(await echo(port)).to.equal("hello");
    link.destroy();
  });

  it("a list that a hostile cloud redirector tells makes nobody trust another server, nor lose the way back", async () => {
    await using stranger = await CloudBench.start();
    bench.cloud.home.settings.gateways.push(stranger.address);
    const gateways = new Gateways([bench.first.address]);
    const tenant = bench.tenant(acme, target.named("rdp"), gateways);
    await tenant.connected(1);
    expect(gateways.addresses).to.deep.equal([stranger.address]);
    bench.first.cut("control");
    await tenant.connected(2);
    expect(tenant.connectedAt).to.deep.equal([bench.first.address, bench.first.address]);
    expect(stranger.logged("info").filter((line) => line.includes("acme"))).to.deep.equal([]);
  });
});

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { EnrolledIdentity } from "@drawbridge/control/identity";
import { FAILED_BEHIND_MS, Gateways, Reach, systemClock } from "@drawbridge/dataplane";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { readBytes } from "../../support/dataplane-sockets.ts";
import { TargetServer } from "../cli/target-server.ts";
import { type BenchTenant, ReconnectBench } from "./reconnect-bench.ts";

/** Soon, for a test. */
const PREFER_AFTER_MS = 200;

describe("the gateway that the provider prefers", () => {
  let bench: ReconnectBench;
  let target: TargetServer;
  let acme: EnrolledIdentity;
  let olga: EnrolledIdentity;
  /** By how much a failure of a gateway seems to be longer ago than it is. */
  let agoMs = 0;
  beforeEach(async () => {
    agoMs = 0;
    bench = await ReconnectBench.start();
    target = await TargetServer.start((socket) => socket.pipe(socket));
    [acme, olga] = [await bench.cloud.enrolTenant("acme"), await bench.cloud.enrolOperator("olga")];
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  /** A tenant that has lost the preferred gateway, and is connected at the other. */
  async function tenantAtSecond(): Promise<BenchTenant> {
    const clock = { now: () => systemClock.now() + agoMs, setTimer: systemClock.setTimer.bind(systemClock) };
    const gateways = new Gateways(bench.addresses, new Reach(), { clock });
    const tenant = bench.tenant(acme, target.named("rdp"), gateways, { preferAfterMs: PREFER_AFTER_MS });
    await tenant.connected(1);
    bench.first.die();
    await tenant.connected(2);
    expect(tenant.connectedAt[1]).to.equal(bench.second.address);
    return tenant;
  }

  async function open(port: number): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write("hello");
    expect((await readBytes(socket, 5)).toString()).to.equal("hello");
    return socket;
  }

  it("is gone back to once it has returned, without a gap: sessions go on, and nobody sees the tenant offline", async () => {
    const tenant = await tenantAtSecond();
    const { port } = await bench.session(olga, new Gateways([bench.second.address]));
    const link = await open(port);
    await bench.first.listen();
    agoMs = FAILED_BEHIND_MS;
    const others = bench.cloud.log.length;
    link.destroy();
    await tenant.connected(3);
    expect(tenant.connectedAt[2]).to.equal(bench.first.address);
    expect(tenant.redirector.state).to.include({ name: "connected", address: bench.first.address });
    (await open(port)).destroy();
    const said = bench.cloud.log.slice(others).map(({ fields }) => ("event" in fields ? fields.event : ""));
    expect(said).to.include("tenant-online").and.not.include("tenant-offline");
    await until(() => bench.second.count("control") <= 1 || undefined, { what: "the end of the older connection" });
  });
});

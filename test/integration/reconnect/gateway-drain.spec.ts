import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../../scripts/demo/until.ts";
import { expectCleanExit, expectCli } from "../../support/cli.ts";
import { readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { GatewayPair } from "./gateway-pair.ts";

/** The design's: spread over a second for few tenants; the rest is for a machine that has much else to do. */
const MOVES_WITHIN_MS = 1_000 + 5_000;

describe("a gateway that is drained, with another beside it", function () {
  this.timeout(120_000);
  let pair: GatewayPair;
  beforeEach(async () => {
    pair = await GatewayPair.start();
  });
  afterEach(() => pair[Symbol.asyncDispose]());

  const moved = (to: unknown): Promise<true> =>
    until(() => pair.tenantAt === to || undefined, { what: "the tenant at the other gateway", timeoutMs: 30_000 });

  it("is left by its tenants within seconds, without a gap, and ends with code 0 long before its time is over", async () => {
    const [first, second] = pair.addresses;
    const [gateway] = pair.gateways;
    expect(pair.tenantAt).to.equal(first);
    const drainedAt = performance.now();
    gateway?.child.signal("SIGTERM");
    await moved(second);
    const end = await gateway?.ended();
    expect(performance.now() - drainedAt).to.be.lessThan(MOVES_WITHIN_MS);
    expect(end?.code, gateway?.child.tail()).to.equal(0);
    expect(pair.tenant.events.map(({ event }) => event)).to.not.include("disconnected");
    expect(pair.provider.cloud.child.tail()).to.match(/a gateway stops; its tenants, 1 now, are asked to go on/);
    const { link } = await pair.openLink();
    link.destroy();
  });

  it("carries its open links on, waits for them, and then ends; new links of their sessions go through the other", async () => {
    const [gateway] = pair.gateways;
    const open = await pair.openLink();
    gateway?.child.signal("SIGTERM");
    await moved(pair.addresses[1]);
    expect(await open.session.waitForEvent("ending")).to.include({ message: "the gateway stops", target: "rdp" });
    open.link.write("still there");
    expect((await readBytes(open.link, 11)).toString()).to.equal("still there");
    const other = await pair.openLink();
    expect(gateway?.child.exit).to.equal(undefined);
    expect(open.session.child.exit).to.equal(undefined);
    open.link.end();
    await readAll(open.link);
    await open.session.stop();
    await gateway?.ended();
    if (gateway !== undefined) expectCleanExit(gateway);
    other.link.write("y");
    expect((await readBytes(other.link, 1)).toString()).to.equal("y");
    other.link.destroy();
  });

  it("takes no question back that a person at the tenant is asked, and who only watches goes on at the other", async () => {
    const { provider, tenant, gateways } = pair;
    const watch = await pair.operator(["tenants", "--watch"]);
    await until(() => watch.events.length > 0 || undefined, { what: "the watch's first line" });
    await writeFile(join(provider.folder("tenant"), "policy.yaml"), "rules:\n  - decision: ask\n");
    await expectCli(["tenant", "reload"], { home: provider.home });
    const session = await pair.operator(["connect", "acme", "--client", "none", "--listen", "127.0.0.1:0"]);
    const { session: id } = await tenant.waitForEvent("consent-asked");
    gateways[0]?.child.signal("SIGTERM");
    await moved(pair.addresses[1]);
    await until(() => /going on at/.test(watch.child.tail()) || undefined, { what: "the watch going on" });
    await expectCli(["tenant", "approve", String(id)], { home: provider.home });
    await session.waitForEvent("listening");
    await session.stop();
    await gateways[0]?.ended();
    if (gateways[0] !== undefined) expectCleanExit(gateways[0]);
    expect(watch.child.exit).to.equal(undefined);
  });
});

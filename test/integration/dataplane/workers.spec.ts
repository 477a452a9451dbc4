import { closeReason, encodePreface, type LinkReservation, type SpliceWorkersOptions } from "@drawbridge/dataplane";
import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { RendezvousBench, until } from "../../support/dataplane-rendezvous.ts";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";
import { TestWorkers } from "../../support/test-workers.ts";

interface PairedLink {
  readonly link: LinkReservation;
  readonly remote: Socket;
  readonly tenant: Socket;
}

/** Asks for an answer through a link, and asserts that it comes. */
async function expectAlive({ remote, tenant }: PairedLink): Promise<void> {
  for (const [from, to] of [
    [remote, tenant],
    [tenant, remote],
  ] as const) {
    from.write("are you there?");
    expect((await readBytes(to, 14)).toString()).to.equal("are you there?");
  }
}

/** Sends megabytes both ways, each side ending its own, and asserts that they arrive unaltered and are counted. */
async function expectUnaltered({ link, remote, tenant }: PairedLink, before = 0): Promise<void> {
  const [up, down] = [randomBytes(3_000_001), randomBytes(2_000_003)];
  remote.end(up);
  tenant.end(down);
  const [atTenant, atRemote] = await Promise.all([readAll(tenant), readAll(remote)]);
  expect(atTenant.equals(up)).to.equal(true);
  expect(atRemote.equals(down)).to.equal(true);
  const { reason, ...counts } = await link.closed;
  expect(reason.message).to.equal("both sides ended the connection");
  expect(counts).to.deep.equal({ toTenant: up.length + before, toRemote: down.length + before });
}

describe("data-plane workers", function () {
  this.timeout(30_000);
  let test: TestWorkers;
  let bench: RendezvousBench;
  let links = 0;

  before(function () {
    if (process.platform === "win32") this.skip();
  });

  afterEach(async () => {
    await bench.stop();
    await test.workers.close();
  });

  async function start(count: number, options: Partial<SpliceWorkersOptions> = {}): Promise<void> {
    test = await TestWorkers.start(count, options);
    bench = await RendezvousBench.start({ splicer: test.workers, waitingPerTenant: 1000, waitingPerAddress: 1000 });
  }

  /** A link that is in a worker, and through which bytes went each way. */
  async function linked(): Promise<PairedLink> {
    const paired = await bench.pairedLink(`link-${links++}`);
    await expectAlive(paired);
    return paired;
  }

  const pathOf = ({ state }: LinkReservation): string => (state.kind === "spliced" ? state.splice.path : state.kind);

  it("carry megabytes that came early on both legs, in order, and every half-close", async () => {
    await start(1);
    const link = bench.rendezvous.expect({ linkId: "early", tenant: "acme" });
    const [remote, tenant] = [await bench.arrive(link.remoteToken), await bench.dialRaw()];
    const [up, down] = [randomBytes(1_000_000), randomBytes(3_000_000)];
    remote.end(up);
    await until(() => bench.rendezvous.stats().waitingLegs === 1);
    // Preface and first bytes come in one piece.
    tenant.end(Buffer.concat([encodePreface(link.tenantToken), down]));
    await link.paired;
    expect(pathOf(link)).to.equal("worker");
    const [atTenant, atRemote] = await Promise.all([readAll(tenant), readAll(remote)]);
    expect(atTenant.equals(up)).to.equal(true);
    expect(atRemote.equals(down)).to.equal(true);
    expect(await link.closed).to.deep.equal({
      reason: { code: "closed", message: "both sides ended the connection" },
      toTenant: up.length,
      toRemote: down.length,
    });
    expect(test.workers.stats().links).to.equal(0);
  });

  it("pass on the end of a leg that ended before it was handed over", async () => {
    await start(1);
    const link = bench.rendezvous.expect({ linkId: "ended", tenant: "acme" });
    const remote = await bench.held(link.remoteToken);
    remote.end();
    const tenant = await bench.arrive(link.tenantToken);
    expect(await readAll(tenant)).to.have.length(0);
    tenant.end("still");
    expect((await readAll(remote)).toString()).to.equal("still");
    expect((await link.closed).toRemote).to.equal(5);
  });

  it("tell how many bytes moved, and when, while a link runs", async () => {
    await start(1);
    const paired = await linked();
    await until(() => paired.link.counts().toTenant === 14 && paired.link.counts().toRemote === 14);
    expect(paired.link.setUp().firstByteMs).to.be.at.least(paired.link.setUp().pairedMs ?? Infinity);
    expect(bench.rendezvous.stats().bytes).to.deep.equal({ toTenant: 14, toRemote: 14 });
  });

  it("share links evenly, and hand many over that come at once", async () => {
    await start(2);
    const all = await Promise.all(Array.from({ length: 150 }, () => linked()));
    expect(bench.rendezvous.stats().splicedLinks).to.equal(150);
    const before = test.workers.stats().links;
    process.kill(test.ready[0] ?? 0, "SIGKILL");
    await test.until(() => test.ended.length === 1);
    // Those that found the queue full, if any, are spliced in this process and live on too.
    expect(test.ended[0]?.links).to.be.within(Math.floor(before / 2) - 1, Math.ceil(before / 2) + 1);
    for (const { remote } of all) remote.destroy();
  });

  it("killed, take only their own links with them, and are replaced", async () => {
    await start(2);
    const all = [await linked(), await linked(), await linked(), await linked()];
    const [killed = 0, other = 0] = test.ready;
    process.kill(killed, "SIGKILL");
    await test.until(() => test.ready.length === 3);
    expect(test.ended).to.have.length(1);
    expect(test.ended[0]).to.include({ pid: killed, why: "died of SIGKILL", links: 2 });
    const over = all.filter(({ link }) => link.state.kind === "closed");
    expect(over).to.have.length(2);
    for (const { link, remote, tenant } of over) {
      expect((await link.closed).reason).to.deep.equal({
        code: "unavailable",
        message: "the worker process that carried the link died of SIGKILL",
        remedy: "Connect again.",
      });
      await Promise.all([closedOf(remote), closedOf(tenant)]);
    }
    for (const paired of all.filter((one) => !over.includes(one))) await expectUnaltered(paired, 14);
    expect(test.workers.stats()).to.deep.equal({ up: 2, links: 0, deaths: 1 });
    expect(test.ready).to.include(other);
    for (const paired of [await linked(), await linked()]) {
      expect(pathOf(paired.link)).to.equal("worker");
      await expectUnaltered(paired, 14);
    }
  });

  it("that stand still are found and replaced", async () => {
    await start(1, { times: { lookMs: 20 } });
    const { link } = await linked();
    process.kill(test.ready[0] ?? 0, "SIGSTOP");
    await test.until(() => test.ready.length === 2);
    expect(test.ended[0]?.why).to.equal("did not answer any more");
    expect((await link.closed).reason.code).to.equal("unavailable");
    await expectUnaltered(await linked(), 14);
  });

  it("end a link that is closed here: both legs are reset, and the counts are final", async () => {
    await start(1);
    const { link, remote, tenant } = await linked();
    const resets = [remote, tenant].map(async (leg) => ((await once(leg, "error")) as [NodeJS.ErrnoException])[0].code);
    for (const leg of [remote, tenant]) leg.resume();
    link.close(closeReason("revoked", "the tenant was revoked"));
    link.close(closeReason("idle", "too late"));
    expect(await link.closed).to.deep.equal({
      reason: { code: "revoked", message: "the tenant was revoked" },
      toTenant: 14,
      toRemote: 14,
    });
    expect(await Promise.all(resets)).to.deep.equal(["ECONNRESET", "ECONNRESET"]);
    expect(bench.rendezvous.stats().bytes).to.deep.equal({ toTenant: 14, toRemote: 14 });
  });

  it("that do not end a link in time are killed, and the link has the reason of who closed it", async () => {
    await start(1, { times: { destroyMs: 50 } });
    const { link, remote, tenant } = await linked();
    process.kill(test.ready[0] ?? 0, "SIGSTOP");
    link.close(closeReason("revoked", "the tenant was revoked"));
    await Promise.all([closedOf(remote), closedOf(tenant)]);
    expect((await link.closed).reason.code).to.equal("revoked");
    await test.until(() => test.ended.length === 1);
    expect(test.ended[0]?.why).to.equal("did not end a link in time");
  });

  it("leave links that wait for a worker which dies to this process", async () => {
    await start(1);
    process.kill(test.ready[0] ?? 0, "SIGSTOP");
    const [leaving, waiting, closed] = [
      await bench.pairedLink("leaving"),
      await bench.pairedLink("waiting"),
      await bench.pairedLink("closed"),
    ];
    closed.link.close(closeReason("idle", "nobody needs it"));
    expect((await closed.link.closed).reason.code).to.equal("idle");
    process.kill(test.ready[0] ?? 0, "SIGKILL");
    expect((await leaving.link.closed).reason.code).to.equal("unavailable");
    await Promise.all([closedOf(leaving.remote), closedOf(leaving.tenant)]);
    await until(() => pathOf(waiting.link) === "fast");
    await expectUnaltered(waiting);
  });

  it("are not needed: without any, links are spliced in this process", async () => {
    await start(0);
    const paired = await linked();
    expect(pathOf(paired.link)).to.equal("fast");
    await expectUnaltered(paired, 14);
  });

  it("end the links that they still have when they are closed", async () => {
    await start(2);
    const { link, remote, tenant } = await linked();
    await test.workers.close();
    expect((await link.closed).reason.message).to.match(/was not needed any more$/);
    await Promise.all([closedOf(remote), closedOf(tenant)]);
    for (const pid of test.ready) expect(() => process.kill(pid, 0)).to.throw(/ESRCH/);
    const after = await bench.pairedLink("after");
    await expectUnaltered(after);
  });
});

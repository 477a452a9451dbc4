import { encodePreface } from "@drawbridge/dataplane";
import { expect } from "chai";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { RendezvousBench, until } from "../../support/dataplane-rendezvous.ts";
import { closedOf, readAll, readBytes } from "../../support/dataplane-sockets.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe("rendezvous", () => {
  let bench: RendezvousBench;

  afterEach(() => bench.stop());

  for (const first of ["remote", "tenant"] as const) {
    it(`delivers bytes that came with the ${first} leg's preface before the other leg was there`, async () => {
      bench = await RendezvousBench.start();
      const { rendezvous } = bench;
      const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
      expect(link.state.kind).to.equal("expected");
      const [mine, theirs] =
        first === "remote" ? [link.remoteToken, link.tenantToken] : [link.tenantToken, link.remoteToken];
      const early = await bench.dialRaw();
      early.write(Buffer.concat([encodePreface(mine), Buffer.from("early,")]));
      await until(() => rendezvous.stats().waitingLegs === 1);
      expect(link.state).to.deep.equal({ kind: "held", side: first });
      early.end("then more");
      const late = await bench.arrive(theirs);
      expect((await readAll(late)).toString()).to.equal("early,then more");
      late.end("and back");
      expect((await readAll(early)).toString()).to.equal("and back");
      const counts = first === "remote" ? { toTenant: 15, toRemote: 8 } : { toTenant: 8, toRemote: 15 };
      expect(await link.closed).to.deep.equal({
        reason: { code: "closed", message: "both sides ended the connection" },
        ...counts,
      });
      expect(link.counts()).to.deep.equal(counts);
      expect(rendezvous.stats().bytes).to.deep.equal(counts);
    });
  }

  it("carries both directions at once, with megabytes early on both legs", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    const [up, down] = [randomBytes(5_000_000), randomBytes(5_000_001)];
    const remote = await bench.arrive(link.remoteToken);
    remote.end(up);
    await until(() => rendezvous.stats().waitingLegs === 1);
    const tenant = await bench.arrive(link.tenantToken);
    tenant.end(down);
    const [atTenant, atRemote] = await Promise.all([readAll(tenant), readAll(remote)]);
    expect([sha256(atTenant), sha256(atRemote)]).to.deep.equal([sha256(up), sha256(down)]);
    expect(await link.closed).to.include({ toTenant: up.length, toRemote: down.length });
  });

  it("passes on the end of a leg that ended while it was held, without a byte", async () => {
    bench = await RendezvousBench.start();
    const link = bench.rendezvous.expect({ linkId: "l1", tenant: "acme" });
    const serverSide = once(bench.server, "connection");
    const remote = await bench.held(link.remoteToken);
    const [leg] = (await serverSide) as [Socket];
    remote.end();
    await until(() => leg.readableEnded);
    const tenant = await bench.arrive(link.tenantToken);
    expect(await readAll(tenant)).to.have.length(0);
    tenant.end("answer");
    expect((await readAll(remote)).toString()).to.equal("answer");
  });

  it("holds a leg without taking in more of its bytes than a socket buffers", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    const serverSide = once(bench.server, "connection");
    const remote = await bench.held(link.remoteToken);
    const [leg] = (await serverSide) as [Socket];
    const bytes = Buffer.alloc(32_000_000, 1);
    remote.end(bytes);
    let before = -1;
    while (leg.readableLength !== before || before === 0) {
      before = leg.readableLength;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(leg.readableLength).to.be.at.most(256 * 1024);
    expect(await readAll(await bench.arrive(link.tenantToken))).to.have.length(bytes.length);
  });

  it("lets a side speak first, last or never", async () => {
    bench = await RendezvousBench.start();
    const { link, remote, tenant } = await bench.pairedLink();
    tenant.write("banner");
    expect((await readBytes(remote, 6)).toString()).to.equal("banner");
    remote.write("hello");
    expect((await readBytes(tenant, 5)).toString()).to.equal("hello");
    const silent = await bench.pairedLink("l2");
    silent.remote.end();
    expect(await readAll(silent.tenant)).to.have.length(0);
    silent.tenant.end();
    expect(await silent.link.closed).to.include({ toTenant: 0, toRemote: 0 });
    expect(link.state.kind).to.equal("spliced");
  });

  it("takes the head that was read from a socket already", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    bench.server.removeAllListeners("connection").once("connection", (socket: Socket) => {
      socket
        .once("data", (head: Buffer) => {
          socket.pause();
          rendezvous.accept(socket, head);
        })
        .resume();
    });
    const remote = await bench.dialRaw();
    remote.write(Buffer.concat([encodePreface(link.remoteToken), Buffer.from("head")]));
    await until(() => rendezvous.stats().waitingLegs === 1);
    bench.server.on("connection", (socket: Socket) => rendezvous.accept(socket));
    expect((await readBytes(await bench.arrive(link.tenantToken), 4)).toString()).to.equal("head");
  });

  it("keeps links apart: each leg meets its own other leg", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const links = Array.from({ length: 10 }, (_, index) =>
      rendezvous.expect({ linkId: `l${index}`, tenant: `t${index % 3}` }),
    );
    const remotes = await Promise.all(links.map((link) => bench.arrive(link.remoteToken)));
    const tenants = await Promise.all(links.toReversed().map((link) => bench.arrive(link.tenantToken)));
    for (const [index, remote] of remotes.entries()) remote.end(`link ${index}`);
    const received = await Promise.all(tenants.map(async (tenant) => (await readAll(tenant)).toString()));
    expect(received.toReversed()).to.deep.equal(links.map((_, index) => `link ${index}`));
    expect(rendezvous.stats()).to.include({ splicedLinks: 10, pairedTotal: 10, expectedLinks: 0 });
  });

  it("ends the link when the held leg dies", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const link = rendezvous.expect({ linkId: "l1", tenant: "acme" });
    (await bench.held(link.tenantToken)).resetAndDestroy();
    const { reason: why } = await link.closed;
    expect(why).to.deep.equal({
      code: "closed",
      message: "the tenant leg closed the connection before the other leg came",
    });
    await closedOf(await bench.arrive(link.remoteToken));
  });

  it("closes both legs of a link that its owner closes, with the owner's reason", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const { link, remote, tenant } = await bench.pairedLink();
    link.close({ code: "revoked", message: "the tenant was revoked" });
    link.close({ code: "idle", message: "too late" });
    expect((await link.closed).reason.code).to.equal("revoked");
    await Promise.all([closedOf(remote), closedOf(tenant)]);
    expect(rendezvous.stats()).to.include({ splicedLinks: 0 });
  });

  it("drains: no new links, those that are there go on until the deadline", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const { link, remote, tenant } = await bench.pairedLink();
    const closed = rendezvous.drain(1000);
    expect(() => rendezvous.expect({ linkId: "l2", tenant: "acme" }))
      .to.throw()
      .with.property("code", "shutting-down");
    remote.write("on");
    expect((await readBytes(tenant, 2)).toString()).to.equal("on");
    bench.clock.advance(1000);
    expect((await link.closed).reason.code).to.equal("shutting-down");
    expect((await closed).code).to.equal("shutting-down");
  });

  it("is drained as soon as the last link ends", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const { remote, tenant } = await bench.pairedLink();
    const closed = rendezvous.drain(1000);
    remote.end();
    tenant.resume().end();
    expect((await closed).message).to.equal("the rendezvous shut down");
  });

  it("closes every socket when destroyed, and any that comes later", async () => {
    bench = await RendezvousBench.start();
    const { rendezvous } = bench;
    const { link, remote } = await bench.pairedLink();
    const waiting = await bench.held(rendezvous.expect({ linkId: "l2", tenant: "acme" }).remoteToken);
    const silent = await bench.dialRaw();
    await until(() => bench.accepted === 4);
    rendezvous.destroy({ code: "shutting-down", message: "bye" });
    await Promise.all([remote, waiting, silent, await bench.dialRaw()].map(closedOf));
    expect((await link.closed).reason.message).to.equal("bye");
  });
});
